"""Settings for Django's tests: its own ``test_sqlite``, with the session engine swapped.

``DJANGO_SUITES_DATABASE`` names the database: ``sqlite`` (in memory) or ``postgresql`` (at DATABASE_URL);
``DJANGO_SUITES_STORE`` the store; ``DJANGO_SUITES_ENGINE=stock`` leaves Django's own engine in force, as a control.
"""

from __future__ import annotations

import os

from django.conf.global_settings import SESSION_COOKIE_AGE
from psycopg.conninfo import conninfo_to_dict

SQLITE = {"ENGINE": "django.db.backends.sqlite3"}
SECRET_KEY = "django_tests_secret_key"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = False
TEST_RUNNER = "tests.django_suites.runner.RecordingRunner"


def postgresql() -> dict[str, object]:
    """Return the database beside the one that DATABASE_URL names, which the runner creates and drops."""
    given = conninfo_to_dict(os.environ["DATABASE_URL"])
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given["dbname"],
        "USER": given.get("user", ""),
        "PASSWORD": given.get("password", ""),
        "HOST": given.get("host", ""),
        "PORT": str(given.get("port", "")),
        "TEST": {"NAME": f"django_suites_{os.getpid()}"},
    }


DATABASES = {
    "default": postgresql() if os.environ.get("DJANGO_SUITES_DATABASE") == "postgresql" else SQLITE,
    "other": SQLITE,
}
if os.environ.get("DJANGO_SUITES_ENGINE") != "stock":
    SESSION_ENGINE = "sessions_farm.engine"
    SESSIONS_FARM = {
        "STORE": os.environ.get("DJANGO_SUITES_STORE", "database"),
        "FOLDER": os.environ.get("DJANGO_SUITES_FOLDER", ""),
        "IDLE": SESSION_COOKIE_AGE,  # as long as Django's sessions, whose tests ask get_expiry_age
        "COOKIE_NAME": "sessionid",  # Django's tests look for it by this name
        "REDIS_URL": os.environ.get("REDIS_URL", ""),
        "REDIS_TIMEOUT": 30,  # a busy machine is not a broken Redis
    }
