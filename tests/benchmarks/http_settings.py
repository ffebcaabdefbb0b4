"""The Django of ``http_site``: the benchmark's, without communities, since Django's engines know none."""

from __future__ import annotations

import os

from tests.benchmarks.settings import *  # noqa: F403
from tests.benchmarks.settings import DATABASES, INSTALLED_APPS, SESSIONS_FARM

INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "sessions_farm.communities"]
DATABASES = {"default": DATABASES["default"] | {"NAME": os.environ["BENCH_DATABASE"]}}
SESSIONS_FARM = SESSIONS_FARM | {"REDIS_PREFIX": os.environ["BENCH_PREFIX"]}
SECRET_KEY = os.environ["BENCH_SECRET"]  # of this run alone
SESSION_COOKIE_SECURE = False  # the wire has no TLS
ROOT_URLCONF = "tests.benchmarks.http_site"
