"""The write path: who is announced, how often, and when a visit is over."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from support_watch import limits
from support_watch.feed import connections, reads, writes
from support_watch.feed.scripts import root_key
from support_watch.feed.writes import Beacon, FeedUnavailableError, Page
from tests.integration.support_watch.conftest import PATIENCE, silent_redis

PAGE = Page("/support/", "support")
VENDOR = 7
THREADS = 24


def arrive(visit, *aliases, tab="t1"):
    return writes.arrive(vendor_id=VENDOR, visit=visit, tab=tab, aliases=aliases or [f"alias-{visit}"], page=PAGE)


@pytest.fixture
def types(events_of):
    return lambda: [event["type"] for event in events_of(VENDOR)]


def in_parallel(step):
    barrier = Barrier(THREADS)

    def run(number):
        barrier.wait()
        return step(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_parallel_first_hits_announce_one_visit(types):
    arrivals = in_parallel(lambda number: arrive(f"visit{number}", "same-shopper", tab=f"t{number}"))

    assert (types()[0], types().count("arrive"), {*types()}) == ("arrive", 1, {"arrive", "state"})
    assert sum(arrival.first for arrival in arrivals) == 1
    assert len({arrival.visit for arrival in arrivals}) == 1


def test_control_parallel_hits_without_one_step_announce_many(raw):
    """The negative control: looking first and announcing then, as two steps, lets all through who have looked."""
    all_have_looked = Barrier(THREADS)

    def look_then_announce(number):
        known = raw.get("control:same-shopper")
        all_have_looked.wait(20)
        if not known:
            raw.set("control:same-shopper", number)
            raw.rpush("control:announced", number)

    in_parallel(look_then_announce)

    assert raw.llen("control:announced") == THREADS


def test_a_login_and_a_first_cart_go_on_with_the_visit(types):
    first = arrive("one", "session-a")
    with_cart = arrive("two", "visitor", "session-a")
    after_login = arrive("three", "visitor", "session-b")

    assert (with_cart.visit, after_login.visit) == (first.visit, first.visit)
    assert types() == ["arrive"]


def test_two_vendors_do_not_share_visits():
    arrive("one", "alias")
    there = writes.arrive(vendor_id=8, visit="other", tab="t", aliases=["alias"], page=PAGE)

    assert there.first
    assert there.visit == "other"


async def test_a_tab_that_closes_leaves_after_the_grace_and_another_tab_keeps_the_visit(types, events_of, monkeypatch):
    arrive("one", tab="t1")
    arrive("one", tab="t2")
    monkeypatch.setattr(limits, "GRACE_MS", 50)
    writes.leave(Beacon(VENDOR, "one", "t1", 1))
    await asyncio.sleep(0.06)
    assert await sweep() == {}
    monkeypatch.setattr(limits, "GRACE_MS", 30_000)
    writes.leave(Beacon(VENDOR, "one", "t2", 1))
    assert await sweep() == {}
    monkeypatch.setattr(limits, "GRACE_MS", 50)
    writes.leave(Beacon(VENDOR, "one", "t2", 2))
    await asyncio.sleep(0.06)

    assert list(await sweep()) == ["one"]
    assert types() == ["arrive", "state", "leave"]


async def test_a_reload_within_the_grace_is_not_seen(types, raw, monkeypatch):
    monkeypatch.setattr(limits, "GRACE_MS", 30_000)
    arrive("one", tab="before")
    writes.leave(Beacon(VENDOR, "one", "before", 1))
    end_of_grace = raw.zscore(f"{root_key(VENDOR)}:present", "one")
    arrive("one", tab="after")

    assert raw.zscore(f"{root_key(VENDOR)}:present", "one") > end_of_grace
    assert await sweep() == {}
    assert types() == ["arrive"]


async def test_who_comes_back_in_the_session_is_listed_but_not_announced(types, events_of, monkeypatch):
    monkeypatch.setattr(limits, "TTL_MS", 50)
    arrive("one")
    await asyncio.sleep(0.06)
    await sweep()
    again = arrive("one")

    assert not again.first
    assert types() == ["arrive", "expire", "back"]
    assert [event["first"] for event in events_of(VENDOR)] == [True, False, False]


def test_a_beat_keeps_the_visit_and_restores_what_a_lost_redis_forgot(raw, events_of):
    arrival = arrive("one")
    before = int(time.time() * 1000)
    raw.zadd(f"{root_key(VENDOR)}:present", {"one": before + 1000})
    writes.beat(Beacon(VENDOR, "one", "t1", 1), at=arrival.at, page=PAGE)
    assert raw.zscore(f"{root_key(VENDOR)}:present", "one") >= before + limits.TTL_MS
    old_epoch = events_of(VENDOR)[0]["epoch"]
    raw.flushdb()
    assert writes.beat(Beacon(VENDOR, "one", "t1", 1), at=arrival.at, page=PAGE) is None
    writes.beat(Beacon(VENDOR, "one", "t1", 1), at=arrival.at, page=PAGE, level=1)

    (event,) = events_of(VENDOR)
    assert (event["type"], event["since"], event["seq"]) == ("back", arrival.at, 1)
    assert event["epoch"] != old_epoch


async def test_each_visit_is_ended_once_by_however_many_sweepers(types, events_of, monkeypatch):
    monkeypatch.setattr(limits, "TTL_MS", 1)
    for number in range(60):
        arrive(f"visit{number}")
    await asyncio.sleep(0.01)
    clients = [connections.hub_client() for _ in range(3)]
    try:
        swept = await gather_sweeps(clients)
    finally:
        for client in clients:
            await client.aclose()
    ended = [visit for sweep in swept for visit in sweep.left]

    assert sorted(ended) == sorted(f"visit{number}" for number in range(60))
    assert types().count("expire") == 60


async def gather_sweeps(clients):
    return await asyncio.gather(*(reads.sweep(client, VENDOR) for client in clients for _ in range(3)))


async def sweep():
    async with connections.hub_client() as client:
        return (await reads.sweep(client, VENDOR)).left


def test_a_redis_that_hangs_costs_the_time_out_once_and_then_nothing(raw, settings, monkeypatch):
    arrive("warm")
    settings.SUPPORT_WATCH_WRITE_TIMEOUT = limits.WRITE_TIMEOUT
    connections.page_client.cache_clear()
    monkeypatch.setattr(writes.PAGES.breaker, "_rest", PATIENCE)
    with silent_redis(raw):
        begin = time.perf_counter()
        with pytest.raises(FeedUnavailableError):
            arrive("one")
        assert time.perf_counter() - begin < PATIENCE  # not until Redis is back
        monkeypatch.setattr(connections.page_client(), "evalsha", pytest.fail)  # it is asked nothing
        for _ in range(5):
            with pytest.raises(FeedUnavailableError):
                arrive("one")
