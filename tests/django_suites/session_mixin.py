"""Django's session test mixin, unchanged, over every store."""

from __future__ import annotations

import shutil
import tempfile

from django.conf import settings
from django.test import SimpleTestCase, TransactionTestCase, override_settings
from django.utils.module_loading import import_string
from sessions_tests.tests import SessionTestsMixin  # Django's, found once its folder of tests is on the path

from sessions_farm.session.session import SessionStore
from sessions_farm.stores import NAMED


class StoreMixin(SessionTestsMixin):
    """The mixin, with one of the stores in force."""

    backend = SessionStore
    store = ""

    def setUp(self):
        given = settings.SESSIONS_FARM | {"STORE": self.store, "FOLDER": self.folder()}
        self.enterContext(override_settings(SESSIONS_FARM=given))
        super().setUp()
        assert isinstance(self.session.store, import_string(NAMED[self.store]))

    def folder(self):
        return ""


class MemoryTests(StoreMixin, SimpleTestCase):
    store = "memory"


class FileTests(StoreMixin, SimpleTestCase):
    store = "file"

    def folder(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        return folder


class RedisTests(StoreMixin, SimpleTestCase):
    store = "redis"


class DatabaseTests(StoreMixin, TransactionTestCase):
    """No transaction around a test: in an event loop the store has connections of its own."""

    store = "database"
    available_apps = ["sessions_farm"]


class TieredTests(DatabaseTests):
    store = "tiered"
