"""Presence that is true: hidden tabs are away, many tabs are one visitor, and the trail follows the shopper."""

import asyncio

import pytest

from support_watch import limits
from support_watch.feed import connections, reads, writes
from support_watch.feed.writes import Beacon, Page

VENDOR = 7
HELP, OARS = Page("/support/", "help page"), Page("/products/oars/", "products")


def open_page(page=HELP, tab="t1", visit="one"):
    return writes.arrive(vendor_id=VENDOR, visit=visit, tab=tab, aliases=["alias"], page=page)


def beat(state, tab="t1", number=1, page=HELP):
    return writes.beat(Beacon(VENDOR, "one", tab, number, state), at=0, page=page)


@pytest.fixture
def seen(events_of):
    return lambda: [(event["type"], event["state"], event["tabs"]) for event in events_of(VENDOR)]


async def present():
    async with connections.hub_client() as client:
        return (await reads.snapshot(client, VENDOR)).present


def test_hidden_tab_is_away_and_neither_gone_nor_announced_again(seen, raw):
    open_page()
    beat("away", number=1)
    beat("away", number=2)
    (until,) = (score for _, score in raw.zrange(f"{{watch:{VENDOR}}}:present", 0, -1, withscores=True))
    now = float(raw.time()[0]) * 1000
    assert until - now > 60_000 + limits.TTL_MS  # a beat a minute is all that a browser lets it send; one may be lost
    beat("active", number=3)
    beat("idle", number=4)

    assert seen() == [
        ("arrive", "active", 1), ("state", "away", 1), ("state", "active", 1), ("state", "idle", 1)
    ]  # fmt: skip


async def test_tabs_are_one_visitor_as_awake_as_the_most_awake_one(seen, monkeypatch):
    open_page()
    open_page(OARS, tab="t2")
    beat("away", tab="t1")
    (visitor,) = await present()
    assert (visitor["state"], visitor["tabs"], visitor["page"]["path"]) == ("active", 2, "/products/oars/")
    beat("away", tab="t2")
    assert (await present())[0]["state"] == "away"
    beat("active", tab="t1", number=2)  # back to the first tab: its page is looked at again
    (visitor,) = await present()
    assert (visitor["state"], visitor["page"]["path"]) == ("active", "/support/")
    assert [step["path"] for step in visitor["trail"]] == ["/support/", "/products/oars/"]

    monkeypatch.setattr(limits, "GRACE_MS", 20)
    writes.leave(Beacon(VENDOR, "one", "t1", 3))
    writes.leave(Beacon(VENDOR, "one", "t2", 2))
    await asyncio.sleep(0.05)
    async with connections.hub_client() as client:
        assert list((await reads.sweep(client, VENDOR)).left) == ["one"]
    assert await present() == []


async def test_trail_keeps_the_latest_ten_pages_and_the_time_on_each(events_of):
    for number in range(13):
        open_page(Page(f"/products/p{number}/", "products"), tab=f"t{number}")
    (visitor,) = await present()

    assert visitor["page"]["path"] == "/products/p12/"
    assert [step["path"] for step in visitor["trail"]] == [f"/products/p{number}/" for number in range(2, 12)]
    assert all(step["seconds"] >= 0 for step in visitor["trail"])
    assert visitor["page_since"] >= visitor["since"]
    assert [event["type"] for event in events_of(VENDOR)] == ["arrive", *["page"] * 12]


def test_plain_beats_tell_staff_nothing(seen):
    open_page()
    for number in range(1, 20):
        beat("active", number=number)

    assert seen() == [("arrive", "active", 1)]
