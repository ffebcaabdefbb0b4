"""How ``make test`` spreads a run over processes: ``-p tests.workers -n auto``.

Each worker begins with whole files (what a file's fixtures start is started once) and with the longest of them, and
takes from the others' ends once its own are done (``--dist worksteal``). The browser's tests share two running farms,
and two browsers at once would fill two cores, so they are dealt as one file.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Generator, Iterable, Sequence
from pathlib import PurePath

import pytest
from xdist.scheduler import WorkStealingScheduling
from xdist.workermanage import WorkerController

MOST = 12
EACH = 0.12  # seconds of a test, on average, where its file is not listed
SECONDS = {
    "e2e": 420,
    "test_admin_isolation": 50,
    "test_external_member": 40,
    "test_events_killed": 40,
    "test_bad_input": 35,
    "test_claims": 35,
    "test_lost_updates": 30,
    "test_interleavings": 30,
    "test_benchmarks": 30,
    "test_listing": 25,
    "test_dumps": 25,
    "test_journeys": 20,
    "test_servers": 20,
    "test_master_down": 20,
    "test_store_contract": 20,
    "test_django_flows": 20,
    "test_pickup_api": 20,
    "test_admin_links": 20,
    "test_alone": 15,
    "test_mutation": 15,
    "test_sentinel": 15,
    "test_starvation": 15,
    "test_rules": 15,
    "test_desk_two_nodes": 15,
    "test_any_order": 15,
    "test_openid_clients": 10,
    "test_sftp": 10,
}


@pytest.hookimpl(wrapper=True)  # pytest-xdist's own answer comes before any other
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """Return three workers for two cores: many tests wait for a server or a process, and some mind a crowd.

    One a core where counts are large (``make prove``): there the processes of a test fill the cores themselves.
    """
    yield
    cores = os.process_cpu_count() or 1
    return min(cores if "SCALE" in os.environ else cores + (cores + 1) // 2, MOST)


def pytest_collection_finish() -> None:
    """Let the collector of garbage pass over what lasts the whole run, and come more seldom: a sixth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> WorkStealingScheduling | None:
    return LongestFirst(config, log) if config.getoption("dist") == "worksteal" else None


class LongestFirst(WorkStealingScheduling):
    """Deals whole files at the start, so that all workers end at about the same time."""

    def schedule(self) -> None:
        if self.collection is None and self._check_nodes_have_same_collection():
            self.collection = next(iter(self.node2collection.values()))
            for node, numbers in zip(self.nodes, dealt(self.collection, len(self.nodes)), strict=True):
                self._give(node, numbers)
        super().schedule()

    def _give(self, node: WorkerController, numbers: list[int]) -> None:
        self.pending[:] = numbers
        self._send_tests(node, len(numbers))


def dealt(ids: Sequence[str], hands: int) -> list[list[int]]:
    """Return the places in ``ids`` that each hand gets: the longest file goes to the hand that has least so far."""
    files: dict[str, list[int]] = {}
    for number, node_id in enumerate(ids):
        files.setdefault(file_of(node_id), []).append(number)
    seconds = {file: SECONDS.get(PurePath(file).stem, EACH * len(numbers)) for file, numbers in files.items()}
    given: list[list[int]] = [[] for _ in range(hands)]
    loads = [0.0] * hands
    for file in sorted(files, key=lambda file: -seconds[file]):
        least = loads.index(min(loads))
        given[least] += files[file]
        loads[least] += seconds[file]
    return given


def file_of(node_id: str) -> str:
    """Return the test's file, or "e2e" for all tests in a browser."""
    path = PurePath(node_id.partition("::")[0])
    return "e2e" if path.parts[:2] == ("tests", "e2e") else str(path)


def unknown(names: Iterable[str]) -> set[str]:
    """Return which of the names that are listed here no file bears."""
    return set(SECONDS) - {"e2e"} - set(names)
