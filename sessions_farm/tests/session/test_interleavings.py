"""Requests of one browser cross each other at every trip, by a seed: what has ended never comes back.

``SEED=17 pytest -k tiered sessions_farm/tests/test_interleavings.py`` plays one of them again, trip for trip.
"""

from __future__ import annotations

import os
import secrets
import time

import pytest
import redis

from sessions_farm.tests.support.named_stores import NEED_REDIS, RUNNABLE, options_of
from sessions_farm.tests.support.scale import counted
from sessions_farm.tests.support.scheduler import Stage
from sessions_farm.tests.support.stock_engines import put_into_force
from sessions_farm.tests.support.stores_fixtures import REDIS_URL
from sessions_farm.tests.support.stories import (
    ENDS,
    KINDS,
    STOCK_KINDS,
    Story,
    World,
    farm_session,
    lose_all_copies,
)

ACTORS = 3
IDLE = 14 * 24 * 3600
SERVERS = {"redis": ["redis"], "database": ["sql"], "tiered": ["redis", "sql"], "file": ["file"]}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def seeds(scale):
    """Which interleavings to play: 10,000 of each store at ``make prove``."""
    return [int(os.environ["SEED"])] if "SEED" in os.environ else range(counted(10_000, scale))


def emptier(line, prefix):
    """What takes every key under a prefix from Redis, as an eviction does."""

    def empty():
        if found := line.keys(f"*{prefix}*"):
            line.delete(*found)

    return empty


@pytest.fixture
def line():
    """To Redis, where there is one."""
    if not REDIS_URL:
        return (yield None)
    with redis.Redis.from_url(REDIS_URL) as client:
        yield client


@pytest.fixture
def world(monkeypatch):
    return World(monkeypatch)


@pytest.fixture
def stage(tmp_path):
    stage = Stage(ACTORS, tmp_path)
    with stage.caught():
        yield stage
    stage.close()


@pytest.mark.parametrize("grace", [0, 10])
@pytest.mark.parametrize("name", RUNNABLE)
def test_what_has_ended_never_comes_back(stage, world, line, settings, tmp_path, name, grace, seeds):
    """Half of the seeds with a grace, half without. Where Redis is a copy, copies get lost in between."""
    settings.SESSIONS_FARM = options = options_of(
        name, tmp_path, GRACE=grace, TIER_POLL=3600, IDLE=IDLE, IDLE_SIGNED_IN=IDLE
    )
    empty = emptier(line, options["REDIS_PREFIX"]) if name in NEED_REDIS else None
    kinds = [*KINDS, lose_all_copies] if name == "tiered" else KINDS
    mine, played = [seed for seed in seeds if seed % 2 == (grace > 0)], set()
    for seed in mine:
        if empty:
            empty()
        story = Story(stage, world, seed, farm_session, empty if name == "tiered" else None)
        story.play(kinds, ENDS)
        if grace == 0:
            time.sleep(0.002)  # Redis keeps nothing for less than a millisecond
        assert not story.judge(), story.told()
        assert not story.gone(), story.told()
        played.add(tuple(stage.trace))
    assert not mine or all(stage.trips[server] for server in SERVERS.get(name, []))
    assert len(played) >= len(mine) / 2, "Many seeds, few interleavings."


@pytest.mark.parametrize("name", ["memory", "file", "tiered"])
def test_same_seed_gives_the_same_interleaving(stage, world, settings, tmp_path, name):
    if name not in RUNNABLE:
        pytest.skip("This store is not here, or needs a Redis: set REDIS_URL.")
    settings.SESSIONS_FARM = options_of(name, tmp_path / "0", TIER_POLL=3600)
    Story(stage, world, 0, farm_session).play(KINDS, ENDS)  # scripts are loaded, connections made
    for seed in range(1, 20):
        traces = []
        for attempt in range(2):
            if name == "tiered":
                world.salt = attempt  # its SQL has those of the first still
            else:
                settings.SESSIONS_FARM = options_of(name, tmp_path / f"{seed}-{attempt}")
            Story(stage, world, seed, farm_session).play(KINDS, ENDS)
            traces.append([(place, what.replace(f"-{attempt}/", "/")) for place, what in stage.trace])
        assert traces[0] == traces[1]


@pytest.mark.skipif(not REDIS_URL, reason="These engines need a Redis: set REDIS_URL.")
@pytest.mark.parametrize("name", ["cache", "cached_db"])
def test_control_stock_engines_bring_back_what_has_ended(stage, world, line, settings, tmp_path, name):
    back = 0
    with put_into_force(settings, tmp_path, prefix := f"control-{secrets.token_hex(4)}") as engines:
        for seed in range(200):
            story = Story(stage, world, seed, engines[name], emptier(line, prefix) if name == "cached_db" else None)
            story.play(STOCK_KINDS, ENDS)
            back += bool(story.judge())
    assert back > 0
