"""The engine alone, without auth, contenttypes and communities: it checks, migrates, and keeps a page's session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sessions_farm

SETTINGS = """
from pathlib import Path

from django.http import HttpResponse
from django.urls import path

SECRET_KEY = "bare-and-only-in-a-test"
INSTALLED_APPS = ["sessions_farm"]
MIDDLEWARE = ["sessions_farm.web.middleware.StrictCookies", "sessions_farm.web.middleware.SessionMiddleware"]
SESSION_ENGINE = "sessions_farm.engine"
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "bare.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ROOT_URLCONF = "bare"


def page(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return HttpResponse(request.session["visits"])


urlpatterns = [path("", page)]
"""
VISIT = """
import django

django.setup()
from django.test import Client

client = Client()
assert [client.get("/").content for _ in range(3)] == [b"1", b"2", b"3"]

import sys

print(sorted(name for name in sys.modules if name.startswith(("django.contrib.auth.models", "sessions_farm.comm"))))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    (folder / "bare.py").write_text(SETTINGS)
    gone = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PYTEST_ADDOPTS"}
    environ = {name: value for name, value in os.environ.items() if name not in gone}
    path = f"{folder}{os.pathsep}{Path(sessions_farm.__file__).parent.parent}"

    def run_python(*arguments, fails=False):
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environ | {"DJANGO_SETTINGS_MODULE": "bare", "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode != 0) is fails, f"{arguments}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    run_python("-m", "django", "migrate")
    return run_python


def test_settings_are_right_and_no_migration_is_missing(run):
    run("-m", "django", "check", "--database", "default", "--fail-level", "WARNING")
    run("-m", "django", "makemigrations", "--check", "--dry-run")


def test_page_has_a_session_and_loads_neither_auth_nor_communities(run):
    assert run("-c", VISIT) == "[]\n"


def test_commands_work_and_only_persons_are_not_found(run):
    assert "reachable    yes" in run("-m", "django", "sessions", "status")
    run("-m", "django", "clearsessions")
    assert "This site has no users" in run("-m", "django", "sessions", "end", "--user", "anna", fails=True)
