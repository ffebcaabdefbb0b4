"""How a run is dealt to its workers."""

from pathlib import Path

from tests import workers

ROOT = Path(__file__).parents[2]


def test_each_test_is_dealt_once_and_files_stay_whole(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS", {"test_long": 60})
    ids = ["t/test_a.py::one", "t/test_long.py::one", "t/test_b.py::one", "t/test_a.py::two", "tests/e2e/test_x.py::y"]
    assert sorted(workers.dealt(ids, 2)) == [[0, 3, 2, 4], [1]]
    assert workers.dealt(ids, 9).count([]) == 5


def test_browser_tests_are_dealt_together():
    assert workers.file_of("tests/e2e/test_handoff_firefox.py::test_x[1]") == "e2e"
    assert workers.file_of("tests/e2e/test_journey.py::test_x[1]") == "e2e"


def test_files_listed_are_there():
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("*/tests/**/test_*.py"), *ROOT.glob("*/*/tests/**/test_*.py")]
    assert workers.unknown(file.stem for file in files) == set()
