"""Sessions in files under several processes: no lost updates, and atomic commits under kills and on a full disk."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import sessions_farm
from sessions_farm.stores.base import Change, SessionEndedError, SessionMissingError, State, StoreUnavailableError
from sessions_farm.tests.support.stores_fixtures import HOUR, LIFE, NOW, file_folder, make_store, read

PROCESSES = 4
LATER = NOW + 2 * HOUR


@pytest.fixture
def folder():
    with file_folder() as folder:
        yield folder


@pytest.fixture
def store(folder):
    return make_store("file", folder=folder)


def hammering(*arguments, **options):
    """A process of its own (file_hammer.py)."""
    return subprocess.Popen(
        [sys.executable, "-m", "sessions_farm.tests.support.file_hammer", *map(str, arguments)],
        cwd=Path(sessions_farm.__file__).parents[1],
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def said(process):
    """Return the lines of a process that has ended. The last line of a killed process may be half a line."""
    with process.stdout as lines:
        found = [json.loads(line) for line in lines if line.endswith("\n")]
    process.wait()
    return found


def swept(store, now):
    while store.sweep(now, 1000) >= 1000:
        pass


def test_processes_lose_nothing(store, folder, scale):
    times = 15 * scale
    store.create("shared", {}, LIFE, NOW)
    _, place = store.read_changes("page", "", 0)
    processes = [hammering("count", folder, times) for _ in range(PROCESSES)]
    for process in processes:
        said(process)
    variables = read(store, "shared")
    assert variables.pop("n") == str(PROCESSES * times)
    assert len(variables) == 1 + PROCESSES * times
    changes, _ = store.read_changes("page", place, 0)
    assert len({change.text for change in changes}) == min(PROCESSES * times, 1000)


def test_kills_tear_nothing(store, folder, caplog, scale):
    """Acknowledged changes are there, others wholly or not at all, and each start has one end."""
    steps = []
    for _ in range(2 * scale):
        processes = [hammering("live", folder) for _ in range(2)]
        for process in processes:
            assert process.stdout.readline()
        for process in processes:
            time.sleep(random.uniform(0, 0.1))
            process.kill()
            steps += said(process)
    latest = {key: (kind, *more) for kind, key, *more in steps}
    for key, (kind, *more) in latest.items():
        require_acknowledged(store.load(key, NOW), kind, *more)
    swept(store, LATER)
    ends_are_exact(store.read_events(1_000_000))
    assert [path.name for path in (folder / "quarantine").iterdir()] == ["lock"]
    assert "cannot be read" not in caplog.text


def require_acknowledged(reading, kind, detail=None):
    """The state is the acknowledged one, or that of the next call."""
    if kind in {"rotated", "deleted"}:
        assert reading.state is State.ENDED
    elif reading.state is State.LIVE:
        number = int(reading.variables["n"])
        assert number >= (detail or 0)
        assert reading.variables["page"] == str(number)
        assert sum(name.startswith("v") for name in reading.variables) == number
    else:
        assert (kind, detail, reading.state) == ("wrote", 3, State.ENDED)


def ends_are_exact(events):
    """Each session that was started has one end, under its last key."""
    became = {event.key: event.other for event in events if event.kind == "rotated"}
    kinds = Counter((event.kind, event.key) for event in events)
    assert max(kinds.values()) == 1
    ends = set()
    for kind, key in kinds:
        if kind == "started":
            while key in became:
                key = became[key]  # noqa: PLW2901
            ends.add(key)
    assert ends == {key for kind, key in kinds if kind == "ended"}
    assert sum(kind == "started" for kind, _ in kinds) == len(ends)


# The first call after a kill, on the old key or the new one: each meets other shards, so other write-ahead logs.
FIRST = {
    "read-old": lambda store, old, new: store.load(old, NOW),
    "read-new": lambda store, old, new: store.load(new, NOW),
    "read-feed": lambda store, old, new: store.read_changes("page", "0", 0),
    "write-old": lambda store, old, new: store.apply(old, Change(put={"m": "3"}), NOW),
    "write-new": lambda store, old, new: store.apply(new, Change(put={"m": "3"}), NOW),
}


def test_rotation_is_atomic_wherever_it_is_killed(folder, caplog, scale):
    """Two sessions' files, an event, a feed and its length: all or nothing, whichever call comes first."""
    folder.mkdir()
    stride = 3 if scale == 1 else 1  # every third place to be killed at, or every one
    tries, outcomes = said(hammering("crash", folder, stride, *FIRST)), {variant: [] for variant in FIRST}
    for place, variant, _ in tries:
        store, old, new = make_store("file", folder=folder / place), f"old-{place}", f"new-{place}"
        first = None
        with contextlib.suppress(SessionMissingError, SessionEndedError):
            first = FIRST[variant](store, old, new)
        outcomes[variant].append(outcome_of(store, old, new, variant, first))
        assert not list((folder / place).glob("*/write-ahead.json"))
    for states in outcomes.values():
        assert (states[0], states[-1]) == (State.LIVE, State.ENDED)
        assert min(states.count(State.LIVE), states.count(State.ENDED)) > 6 // stride - 1
    assert not any(died for *_, died in tries[-len(FIRST) :])
    assert caplog.text.count("interrupted") > 9


def outcome_of(store, old, new, variant, first):
    """Return the old key's state. The rotation is there or not at all, and the first call agrees (None: refused)."""
    before, after = store.load(old, NOW), store.load(new, NOW)
    events, (changes, _) = store.read_events(9), store.read_changes("page", "0", 0)
    written = {"m": "3"} if first and variant.startswith("write") else {}
    if before.state is State.LIVE:
        assert (dict(before.variables), after.state) == ({"n": "1", "page": "1"} | written, State.ABSENT)
        assert ([event.kind for event in events], [change.text for change in changes]) == (["started"], ["1"])
    else:
        assert dict(before.variables) == {"n": "1", "page": "1"}
        assert dict(after.variables) == {"n": "2", "page": "2"} | written
        assert [event.kind for event in events] == ["started", "rotated"]
        assert [change.text for change in changes] == ["1", "2"]
    assert (written != {}) == (variant == ("write-old" if before.state is State.LIVE else "write-new"))
    if variant.startswith("read"):
        assert first == {"read-old": before, "read-new": after, "read-feed": (changes, changes[-1].place)}[variant]
    swept(store, LATER)
    ends_are_exact(store.read_events(9))
    return before.state


def refusals_lost_nothing(store, folder, steps):
    created = [word for kind, word in steps if kind == "created"]
    assert created
    assert sum(kind == "refused" for kind, _ in steps) == 20
    for key in created:
        assert len(store.load(key, NOW).variables["text"]) == 20_000
    assert store.count(NOW) == len(created)
    assert len(store.read_events(1000)) == len(created)


def test_files_that_may_not_grow_are_refused_and_lose_nothing(store, folder):
    steps = said(hammering("fill_limited", folder))
    refusals_lost_nothing(store, folder, steps)
    assert "File too large" in str(steps[-1])


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("A small disk of its own needs the right to mount one.")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_full_disk_is_refused_and_loses_nothing(small_disk):
    folder = small_disk / "sessions"
    store = make_store("file", folder=folder)
    steps = said(hammering("fill", folder))
    refusals_lost_nothing(store, folder, steps)
    assert "No space left" in str(steps[-1])
    key = next(word for kind, word in steps if kind == "created")
    filler = small_disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    before = read(store, key)
    with pytest.raises(StoreUnavailableError, match="No space"):
        store.apply(key, Change(put={"text": '"y"'}), NOW)
    assert read(store, key) == before
    filler.unlink()
    store.apply(key, Change(put={"text": '"y"'}), NOW)
    assert read(store, key)["text"] == '"y"'
