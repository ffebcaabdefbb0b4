"""The farm lifts out: alone in an empty project, with SQLite and no Redis, it checks, migrates and passes its tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sessions_farm

SETTINGS = """
from pathlib import Path

SECRET_KEY = "alone-and-only-in-a-test"
BASE = Path(__file__).parent
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
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
SESSION_ENGINE = "sessions_farm.engine"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": BASE / "alone.sqlite3",
    "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA synchronous=OFF"},
    "TEST": {"NAME": BASE / "test.sqlite3"},
}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "sessions_farm.tests.support.session_site"
USE_TZ = True
PUBLIC_SCHEME, PUBLIC_PORT = "http", 8000
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
PYTEST = """
[pytest]
DJANGO_SETTINGS_MODULE = alone
pythonpath = .
filterwarnings = error
markers = scale: its counts come from SCALE
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    here = Path(sessions_farm.__file__).parent
    shutil.copytree(here, folder / "sessions_farm", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "sessions_farm/tests/test_alone.py").unlink()
    (folder / "alone.py").write_text(SETTINGS)
    (folder / "pytest.ini").write_text(PYTEST)
    return folder


def run(project, *arguments):
    gone = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "PYTEST_ADDOPTS"}
    environ = {name: value for name, value in os.environ.items() if name not in gone and "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env=environ | {"DJANGO_SETTINGS_MODULE": "alone", "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_alone_checks_and_migrates(project):
    run(project, "django", "check", "--fail-level", "WARNING")
    run(project, "django", "makemigrations", "--check", "--dry-run")
    run(project, "django", "migrate")
    run(project, "django", "clearsessions")


@pytest.mark.timeout(660)  # one process, and one of several that share the machine
def test_alone_passes_its_own_tests(project):
    assert " passed" in run(
        project, "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:asyncio", "sessions_farm/tests"
    )
