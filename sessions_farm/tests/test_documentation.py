"""README.md mentions names that are there."""

from pathlib import Path

import sessions_farm
from sessions_farm.tests.support.documentation import exists, names

README = Path(sessions_farm.__file__).parent / "README.md"
FILES = {"sessions_farm.tests", "sessions_farm.communities"}  # a program, and an app that need not be installed


def test_names_exist():
    found = names(README) - FILES
    assert len(found) > 10
    assert [name for name in sorted(found) if not exists(name)] == []


def test_control_lost_names_are_noticed():
    assert [exists(name) for name in ("sessions_farm.web.decorators", "sessions_farm.web.decorator")] == [True, False]
    assert not exists("sessions_farm.web.middleware.NoSuchMiddleware")
