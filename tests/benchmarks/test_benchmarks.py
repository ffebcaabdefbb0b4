"""The benchmark's own arithmetic (missed goals, ratios), and one run of its parts for the hand-off and over HTTP."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.benchmarks.interleaving import Timings, take_turns
from tests.benchmarks.table import Bound, Table


def test_a_figure_beyond_its_goal_is_missed(capsys):
    table = Table()
    table.row("load", "1 ms", {"Redis": 1.2}, {Bound(1.25, "Redis"): 1.2})
    table.row("save", "2 ms", {"Redis": 1.3}, {Bound(1.25, "Redis"): 1.3})
    table.row("sweep", "3 s")
    table.end()
    met, missed, without, *summary = capsys.readouterr().out.splitlines()
    assert met.endswith(" ok")
    assert missed.endswith(" MISSED")
    assert without.endswith("3 s")
    assert summary == ["Missed:", "  save: 1.30, <= 1.25 × Redis"]


def test_two_goals_of_a_row_are_judged_each(capsys):
    table = Table()
    table.row("log out", "9 ms, 3 trips", goals={Bound(10, unit="ms"): 9, Bound(2, unit="trips"): 3})
    assert table.missed == ["log out: 3.00, <= 2 trips"]
    assert "<= 10 ms and <= 2 trips" in capsys.readouterr().out


def test_a_ratio_is_taken_round_by_round():
    """A machine that is ten times slower in one round changes neither the ratio nor the order."""
    timings = Timings({"ours": [2.0, 20.0, 2.0], "theirs": [1.0, 10.0, 1.0]})
    assert timings.ratio("ours", "theirs") == 2


def test_all_take_turns_equally_often():
    seen = []
    timings = take_turns({"a": lambda: seen.append("a"), "b": lambda: seen.append("b")}, rounds=4, acts=3)
    assert (seen.count("a"), seen.count("b")) == (15, 15)
    assert {name: len(times) for name, times in timings.rounds.items()} == {"a": 4, "b": 4}


COUNTED = [  # by nothing that another machine, or a busy one, would change
    "redis: trips of a page",
    "redis: 10 visitors to two hosts each",
    "redis: a code in flight",
    "database: trips of a page",
    "database: 10 visitors to two hosts each",
    "database: a code in flight",
]
TIMED = [
    "redis: added by the four",
    "redis: the first host of all",
    "database: another host",
    "ask: may this name have a certificate",
    "resolve: a host named in it",
    "a change until 4 nodes see it, told by NOTIFY alone",
    "a change until 4 nodes see it, polling each 0.5 s alone",
    *(f"{store}: {act}" for store in ("database", "redis", "tiered") for act in ("read as user", "write", "log in")),
]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="The benchmark is of PostgreSQL.")
@pytest.mark.skipif(not os.environ.get("REDIS_URL"), reason="The benchmark is of Redis: set REDIS_URL.")
@pytest.mark.usefixtures("at_proof")
def test_handoff_and_pages_are_measured_and_what_is_counted_meets_its_goals():
    command = [sys.executable, "-m", "tests.benchmarks", "handoff", "http"]
    done = subprocess.run(
        command, env=os.environ | {"BENCH_SIZE": "0.001"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = done.stdout.splitlines()
    for name in COUNTED:
        assert [row for row in rows if row.startswith(name) and row.endswith(" ok")], done.stdout
    for name in TIMED:
        assert [row for row in rows if row.startswith(name)], done.stdout
