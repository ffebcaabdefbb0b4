"""The benchmark's Django: sessions and nothing else, on the servers in DATABASE_URL and REDIS_URL."""

from __future__ import annotations

import os
import secrets
import tempfile

from psycopg.conninfo import conninfo_to_dict

_database = conninfo_to_dict(os.environ["DATABASE_URL"])

_prefix = f"sessions-bench-{secrets.token_hex(4)}"
_folder = tempfile.TemporaryDirectory(prefix="sessions-bench-")  # gone with the process

SECRET_KEY = secrets.token_urlsafe(32)
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "sessions_farm",
    "sessions_farm.communities",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database["dbname"],
        "USER": _database.get("user", ""),
        "PASSWORD": _database.get("password", ""),
        "HOST": _database.get("host", ""),
        "PORT": str(_database.get("port", "")),
        # The tables are the benchmark's own: a database beside the one that is named, gone afterwards.
        "OPTIONS": {"prepare_threshold": 5},  # as the raw statements beside it are
        "CONN_MAX_AGE": None,  # a node has connections when a page comes
        "TEST": {"NAME": f"sessions_bench_{os.getpid()}"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "sessions_farm.engine"
SESSIONS_FARM = {
    "STORE": "memory",  # of sessions that name none of their own (benchmarks.engines)
    "FOLDER": _folder.name,
    "REDIS_URL": os.environ["REDIS_URL"],
    "REDIS_PREFIX": _prefix,
    "REDIS_TIMEOUT": 30,  # a busy machine is not a broken Redis
    "VARIABLES": {"current_page": {"indexed": True, "shared": True}},
}
SESSIONS_FARM_COMMUNITIES = {"PROBE_SECONDS": 0}  # no host of the benchmark is to be found by its name
CACHES = {
    "default": {  # where hand-offs count the pace of each client
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": os.environ["REDIS_URL"],
        "KEY_PREFIX": f"{_prefix}-cache",
        "OPTIONS": {"SERIALIZER": "django_redis.serializers.json.JSONSerializer"},
    }
}
# The site of benchmarks.handoff: HTTPS ends before its node.
ROOT_URLCONF = "tests.benchmarks.handoff_site"
ALLOWED_HOSTS = ["*"]  # the gate says which
SESSION_COOKIE_SECURE = True
OPS_TOKEN = secrets.token_urlsafe(32)
USE_TZ = True
