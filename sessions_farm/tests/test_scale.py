"""The marker ``scale`` and what reads SCALE go together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sessions_farm.tests.support import scale as scaling

READS = re.compile(r"""(environ|getenv)\b[^\n]*["']SCALE["']""")
BY_HAND = "@pytest.mark." + scaling.NAME


class Item:
    """A collected test, as far as the hook looks at it."""

    def __init__(self, *markers, fixtures=()):
        self.nodeid, self.fixturenames, self.markers = "test_x", fixtures, list(markers)

    def get_closest_marker(self, name):
        return next((marker for marker in self.markers if marker.name == name), None)

    def add_marker(self, marker, append=True):
        marker = getattr(pytest.mark, marker) if isinstance(marker, str) else marker
        self.markers.insert(len(self.markers) if append else 0, marker)


def names(item):
    return [marker.name for marker in item.markers]


def test_marker_follows_the_fixture(monkeypatch):
    monkeypatch.setenv("SCALE", "4")
    reads, plain = Item(pytest.mark.timeout(200), fixtures=("db", "scale")), Item(fixtures=("db",))
    for _ in range(2):  # two conftests may hand it on
        scaling.pytest_collection_modifyitems([reads, plain])
    assert (names(reads), names(plain)) == (["timeout", "timeout", "scale"], [])
    assert reads.get_closest_marker("timeout").args == (800,)


def test_marker_alone_is_refused():
    with pytest.raises(pytest.UsageError, match="does not ask for the fixture"):
        scaling.pytest_collection_modifyitems([Item(pytest.mark.scale)])


def test_this_run_is_marked(request, scale):
    assert request.node.get_closest_marker("scale")


def test_nothing_else_reads_it():
    """A count from elsewhere would be larger in tests that ``make prove`` does not run."""
    files = [*Path(__file__).parents[1].rglob("*.py"), *project_files()]
    assert [str(file) for file in files if READS.search(file.read_text()) and file.name != "scale.py"] == []


def test_no_test_is_marked_by_hand():
    """Such a one would get no more time where it does more."""
    files = [*Path(__file__).parents[1].rglob("test_*.py"), *project_files()]
    assert [str(file) for file in files if BY_HAND in file.read_text()] == []


def project_files():
    """The tests of the project around the farm, where there is one."""
    return (Path(__file__).parents[2] / "tests").rglob("*.py")
