"""The benchmark's Django: sessions and nothing else, on the servers in DATABASE_URL and REDIS_URL."""

from __future__ import annotations

import os
import secrets
import tempfile

from psycopg.conninfo import conninfo_to_dict

_database = conninfo_to_dict(os.environ["DATABASE_URL"])

_folder = tempfile.TemporaryDirectory(prefix="sessions-bench-")  # gone with the process

SECRET_KEY = secrets.token_urlsafe(32)
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "sessions_farm"]
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
        "TEST": {"NAME": f"sessions_bench_{os.getpid()}"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "sessions_farm.engine"
SESSIONS_FARM = {
    "STORE": "memory",  # of sessions that name none of their own (bench.engines)
    "FOLDER": _folder.name,
    "REDIS_URL": os.environ["REDIS_URL"],
    "REDIS_PREFIX": f"sessions-bench-{secrets.token_hex(4)}",
    "REDIS_TIMEOUT": 30,  # a busy machine is not a broken Redis
    "VARIABLES": {"current_page": {"indexed": True, "shared": True}},
}
USE_TZ = True
