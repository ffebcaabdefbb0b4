"""The settings of the package's own test run: SQLite, or the PostgreSQL that DATABASE_URL names.

``postgres://user:password@host:port/name``; ``?host=/folder`` for a socket. The user may create databases. SQLite's
files stand in SESSIONS_FARM_TESTS_FOLDER, or in the working directory.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

FOLDER = Path(os.environ.get("SESSIONS_FARM_TESTS_FOLDER", ".")).absolute()


def database(url: str) -> dict[str, Any]:
    """Return Django's settings of a PostgreSQL."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or ""])[0]
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
    }


SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": FOLDER / "site.sqlite3",
    "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA synchronous=OFF"},
    "TEST": {"NAME": FOLDER / "test.sqlite3"},  # a file, for several processes use it
}

SECRET_KEY = "tests-of-sessions-farm-only"
DATABASES = {"default": database(os.environ["DATABASE_URL"]) if os.environ.get("DATABASE_URL") else SQLITE}
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "sessions_farm",
]
MIDDLEWARE = [
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
SESSION_ENGINE = "sessions_farm.engine"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "sessions_farm.tests.support.session_site"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
