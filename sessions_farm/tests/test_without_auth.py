"""The engine alone, without auth, contenttypes and communities: it checks, migrates, and is short of ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sessions_farm
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

SETTINGS = """
import json
import os
from pathlib import Path

from django.http import HttpResponse
from django.urls import path

SECRET_KEY = "bare-and-only-in-a-test"
INSTALLED_APPS = ["sessions_farm"]
MIDDLEWARE = ["sessions_farm.web.middleware.StrictCookies", "sessions_farm.web.middleware.SessionMiddleware"]
SESSION_ENGINE = "sessions_farm.engine"
SESSIONS_FARM = json.loads(os.environ.get("BARE_OPTIONS", "{}"))
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "bare.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
ROOT_URLCONF = "bare"


def page(request):
    request.session["visits"] = visits = request.session.get("visits", 0) + 1
    return HttpResponse(visits)


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


WAY = """
import json
import sys

import django

django.setup()
from django.test import Client

client, way = Client(), []
client.get("/")
client.get("/")


def follow(frame, event, argument):
    file = frame.f_code.co_filename
    if event == "call" and "sessions_farm" in file and way[-1:] != [file]:
        way.append(file)


sys.setprofile(follow)
client.get("/")
sys.setprofile(None)
loaded = [name for name in sys.modules if name.startswith("sessions_farm")]
print(json.dumps({"files": len(set(way)), "moves": len(way) - 1, "loaded": len(loaded)}))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare")
    (folder / "bare.py").write_text(SETTINGS)
    gone = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PYTEST_ADDOPTS"}
    environ = {name: value for name, value in os.environ.items() if name not in gone}
    path = f"{folder}{os.pathsep}{Path(sessions_farm.__file__).parent.parent}"

    def run_python(*arguments, fails=False, **options):
        done = subprocess.run(
            [sys.executable, *arguments],
            env=environ | {"DJANGO_SETTINGS_MODULE": "bare", "PYTHONPATH": path, "BARE_OPTIONS": json.dumps(options)},
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


@pytest.mark.parametrize(
    ("store", "most"),
    [("database", {"files": 14, "moves": 60}), ("tiered", {"files": 18, "moves": 80}), ("redis", {"loaded": 45})],
)
def test_a_variable_goes_a_short_way(run, prefix, store, most):
    """One request that reads and sets a variable: files entered, moves from one to another, modules loaded."""
    if store != "database" and not REDIS_URL:
        pytest.skip("There is no Redis.")
    own = {"REDIS_PREFIX": prefix, "REDIS_TIMEOUT": 10, "TIER_POLL": 3600}  # a busy machine makes no way longer
    way = json.loads(run("-c", WAY, STORE=store, REDIS_URL=REDIS_URL, **own))
    assert {name: way[name] for name in most if way[name] > most[name]} == {}, way


def test_commands_work_and_only_persons_are_not_found(run):
    assert "reachable    yes" in run("-m", "django", "sessions", "status")
    run("-m", "django", "clearsessions")
    assert "This site has no users" in run("-m", "django", "sessions", "end", "--user", "anna", fails=True)
