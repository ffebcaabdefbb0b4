"""Processes that change one session at once lose nothing that was acknowledged; Django's own engines lose much."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support.fleet import Fleet
from sessions_farm.tests.support.named_stores import FARM_WIDE, options_of
from sessions_farm.tests.support.scale import counted
from sessions_farm.tests.support.stock_engines import STOCK, put_into_force

PROCESSES = 4
A_ROUND = 100  # updates of one process before all go on to the next session; what our requests make eight of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def updates(scale):
    """How many updates each store must take: 100,000 in all at ``make prove``, and on each with SCALE=20."""
    return counted(100_000, scale) // 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stock")


@pytest.fixture(scope="module")
def fleet(django_db_setup, django_db_blocker, folder):
    with django_db_blocker.unblock():
        fleet = Fleet(PROCESSES, folder)
    yield fleet
    fleet.dismiss()


@pytest.fixture
def stock(settings, folder):
    with put_into_force(settings, folder) as engines:
        yield engines


def lost(told, found):
    """How many updates of one round were acknowledged and are not there, by how they were made.

    Only what an answer said counts as done. The sums and steps that were answered must all differ: two equal ones were
    one update, whatever the variable says in the end.
    """
    everybody = {name: [thing for one in told for thing in one[name]] for name in ("sums", "items", "steps")}
    items = Counter(map(tuple, found.get("items", [])))
    return {
        "own variable": sum(one["own"] - found.get(f"own_{me}", 0) for me, one in enumerate(told)),
        "drop": sum(bool(one["mark"]) != (f"mark_{me}" in found) for me, one in enumerate(told)),
        "increment": len(everybody["sums"]) - found.get("sum", 0),
        "increment answered twice": len(everybody["sums"]) - len(set(everybody["sums"])),
        "append": len(Counter(map(tuple, everybody["items"])) - items),
        "appended unasked": len(items - Counter(map(tuple, everybody["items"]))),
        "compare_and_set": len(everybody["steps"]) - found.get("step", 0),
        "compare_and_set answered twice": len(everybody["steps"]) - len(set(everybody["steps"])),
    }


def acknowledged(told):
    return sum(one["own"] + len(one["sums"]) + len(one["items"]) + len(one["steps"]) for one in told)


def play(fleet, engine, options, session_id, updates=A_ROUND):
    order = {"engine": engine, "options": options, "id": session_id, "updates": updates}
    return fleet.order([order | {"me": me} for me in range(PROCESSES)])


def proven(session_id):
    return SessionStore(proof=Proof(session_id, int(time.time())))


def nothing(of):
    return dict.fromkeys(of, 0)


@pytest.mark.parametrize("name", FARM_WIDE)
def test_no_acknowledged_update_is_lost(fleet, settings, tmp_path, name, updates):
    """Every round begins with no session under the id, so that its making is fought for too.

    The processes meet between their first look and their first comparison: all but one must try again.
    """
    settings.SESSIONS_FARM = options = options_of(name, tmp_path)
    done = conflicts = rounds = 0
    while done < updates or rounds == 0:
        rounds += 1
        session_id = ids.new_id()
        told = play(fleet, "farm", options, session_id)
        missing = lost(told, dict(proven(session_id).items()))
        done += acknowledged(told)
        conflicts += sum(one["conflicts"] for one in told)
        assert missing == nothing(missing), f"after {done} updates"
    assert conflicts >= rounds * (PROCESSES - 1), "The processes took turns: nothing was shown."


@pytest.mark.parametrize("name", STOCK)
def test_control_stock_engines_lose_updates(fleet, stock, name):
    """Each request reads what all others have read, and saves after them: of each four updates three are lost."""
    session = stock[name]()
    session.save()
    told = play(fleet, name, {}, session.session_key, updates=40)
    assert acknowledged(told) == PROCESSES * 40
    missing = lost(told, dict(stock[name](session.session_key).items()))
    assert {way: missing[way] for way in ("increment", "append", "compare_and_set")} == {
        "increment": 30,
        "append": 30,
        "compare_and_set": 30,
    }
    assert missing["own variable"] > 0
