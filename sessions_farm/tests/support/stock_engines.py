"""Django's own session engines, as controls: what ours must not do, these are seen to do under the same test.

``django.contrib.sessions`` need not be installed: the table is a model of our own, as Django's documentation has it.
"""

from __future__ import annotations

from contextlib import contextmanager

from django.contrib.sessions.backends import cache, cached_db, db, file
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import connection

from sessions_farm.tests.support.stores_fixtures import REDIS_URL


class StockSession(AbstractBaseSession):
    class Meta:
        app_label = "sessions_farm_control"
        db_table = "sessions_farm_control"


class DatabaseEngine(db.SessionStore):
    @classmethod
    def get_model_class(cls):
        return StockSession


class CachedDatabaseEngine(cached_db.SessionStore):
    @classmethod
    def get_model_class(cls):
        return StockSession


SessionStore = DatabaseEngine  # of a SESSION_ENGINE that is this module

STOCK = {"db": DatabaseEngine, "file": file.SessionStore}
if REDIS_URL:
    STOCK |= {"cache": cache.SessionStore, "cached_db": CachedDatabaseEngine}


def settings_of(folder, prefix="control"):
    """What these engines need: a folder, and django-redis as it comes."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    location = (
        {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": REDIS_URL} if REDIS_URL else {"BACKEND": backend}
    )
    return {
        "SESSION_FILE_PATH": str(folder),
        "SESSION_CACHE_ALIAS": "default",
        "CACHES": {"default": location | {"KEY_PREFIX": prefix}},
    }


@contextmanager
def put_into_force(settings, folder, prefix="control"):
    """The settings and the table, for as long as the block runs; the table is seen by other processes."""
    for name, value in settings_of(folder, prefix).items():
        setattr(settings, name, value)
    forget_folder()
    with connection.schema_editor() as editor:
        editor.create_model(StockSession)
    try:
        yield STOCK
    finally:
        forget_folder()
        with connection.schema_editor() as editor:
            editor.delete_model(StockSession)


def forget_folder():
    """The ``file`` engine remembers its folder on the class."""
    if "_storage_path" in vars(file.SessionStore):
        del file.SessionStore._storage_path
