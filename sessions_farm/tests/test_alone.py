"""The engine lifts out: a copy in an empty folder, with SQLite and no Redis, checks, migrates and passes its tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sessions_farm
from sessions_farm.tests.support.own_run import SUITES

SETTINGS = {suite: settings for suite, (_, settings) in SUITES.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    here = Path(sessions_farm.__file__).parent
    shutil.copytree(here, folder / "sessions_farm", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(folder, *arguments, suite="engine"):
    gone = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PYTHONPATH"}
    environ = {name: value for name, value in os.environ.items() if name not in gone and "PYTEST" not in name}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env=environ | {"DJANGO_SETTINGS_MODULE": SETTINGS[suite], "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.parametrize("suite", SUITES)
def test_copy_checks_and_migrates(folder, suite):
    run(folder, "django", "check", "--fail-level", "WARNING", suite=suite)
    run(folder, "django", "makemigrations", "--check", "--dry-run", suite=suite)
    run(folder, "django", "migrate", suite=suite)
    run(folder, "django", "clearsessions", suite=suite)


@pytest.mark.timeout(660)  # one process, and one of several that share the machine
@pytest.mark.usefixtures("at_proof")
def test_copy_passes_its_own_tests(folder):
    assert " passed" in run(folder, "sessions_farm.tests", "engine", "-x")
