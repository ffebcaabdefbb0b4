"""The read path: nothing is missed and nothing comes twice, whatever happens to connections and the stream."""

import asyncio
import contextlib
import os

import pytest
import redis
import redis.asyncio
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.utils import timezone

from support_watch import limits
from support_watch.feed import connections, reads, writes
from support_watch.feed.reads import Position
from support_watch.feed.scripts import stream_key
from support_watch.feed.writes import Page
from support_watch.hub import Hub
from support_watch.models import SupportVisit
from support_watch.topics import EventMessage, Heartbeat, Lagged, Stalled
from tests.integration.support_watch.conftest import silent_redis

PER_KILL = 5
PAGE = Page("/support/", "support")


@pytest.fixture
def kills(scale):
    return 5 * scale


@pytest.fixture
async def hub(place):
    hub = Hub()
    yield hub
    for topic in list(hub.topics.values()):
        for subscriber in list(topic.subscribers):
            await hub.unsubscribe(subscriber)


async def publish(vendor_id, number):
    await asyncio.to_thread(
        writes.arrive, vendor_id=vendor_id, visit=f"v{number}", tab="t", aliases=[f"a{number}"], page=PAGE
    )


async def collect(subscriber, until, seconds=20):
    """The visits of the events that arrive, in order, until there are so many or the time is up."""
    found = []
    async with asyncio.timeout(seconds):
        while len(found) < until:
            item = await subscriber.queue.get()
            if isinstance(item, EventMessage):
                found.append(item.event["visit"])
    return found


async def wait_for(subscriber, kind, seconds=20):
    async with asyncio.timeout(seconds):
        while True:
            item = await subscriber.queue.get()
            if isinstance(item, kind):
                return item


def kill_connections(raw):
    """Every connection but ours; the victims notice at their next word."""
    for kind in ("normal", "pubsub"):
        raw.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


async def test_an_event_reaches_every_subscriber_of_its_vendor_only(hub, place):
    subscribers = [await hub.subscribe(place.vendor.pk) for _ in range(3)]
    elsewhere = await hub.subscribe(place.other.pk)
    await publish(place.vendor.pk, 1)

    for subscriber in subscribers:
        assert await collect(subscriber, 1) == ["v1"]
    assert not [item for item in elsewhere.queue._queue if isinstance(item, EventMessage)]


async def test_a_second_vendor_is_followed_at_once(hub, place, monkeypatch):
    monkeypatch.setattr("support_watch.hub.BLOCK_MS", 25_000)  # without the wake nothing would come in time
    await hub.subscribe(place.other.pk)
    await asyncio.sleep(0.2)  # the reader waits for the other vendor's events
    subscriber = await hub.subscribe(place.vendor.pk)
    await publish(place.vendor.pk, 1)

    assert await collect(subscriber, 1) == ["v1"]


async def test_killed_connections_lose_no_event(hub, place, raw, kills):
    subscriber = await hub.subscribe(place.vendor.pk)
    await publish(place.vendor.pk, "first")
    await collect(subscriber, 1)
    expected = []
    for round_ in range(kills):
        kill_connections(raw)
        for number in range(PER_KILL):
            expected.append(f"v{round_}-{number}")
            await publish(place.vendor.pk, f"{round_}-{number}")

    assert await collect(subscriber, len(expected)) == expected


async def test_control_the_channel_layer_loses_events_when_connections_are_killed(raw, kills):
    """The negative control: the same kills on the layer that this feed does not travel on.

    The first event after each kill is sent in one transaction with it, before the layer can listen again.
    """
    layer, received = RedisPubSubChannelLayer(hosts=[os.environ["REDIS_URL"]]), []
    channel = await layer.new_channel()
    await layer.group_add("control", channel)

    async def listen():
        while True:
            received.append((await layer.receive(channel))["number"])

    async def is_heard_again(number):
        async with asyncio.timeout(20):
            while number not in received:
                with contextlib.suppress(redis.RedisError):
                    await layer.group_send("control", {"type": "event", "number": number})
                await asyncio.sleep(0.02)

    listener = asyncio.create_task(listen())
    await is_heard_again("first")
    for number in range(kills):
        with raw.pipeline() as at_once:
            at_once.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            at_once.publish(*message_to_group(layer, "control", {"type": "event", "number": f"lost {number}"}))
            killed, heard = await asyncio.to_thread(at_once.execute)
        assert (killed > 0, heard) == (True, 0)
        await is_heard_again(f"after {number}")
    listener.cancel()
    await layer.flush()

    assert not [number for number in received if number.startswith("lost")]


def message_to_group(layer, group, message):
    """The channel and the bytes that the layer itself would publish."""
    inner = layer._get_layer()
    return inner._get_group_channel_name(group), layer.serialize(message)


async def test_an_emptied_redis_is_noticed_and_everybody_resyncs(hub, place, raw):
    subscriber = await hub.subscribe(place.vendor.pk)
    for number in range(3):
        await publish(place.vendor.pk, number)
    await collect(subscriber, 3)
    raw.flushdb()
    assert isinstance(await wait_for(subscriber, Lagged), Lagged)
    await publish(place.vendor.pk, "after")

    assert await collect(subscriber, 1) == ["vafter"]


async def test_a_stream_trimmed_past_us_is_a_gap_that_is_noticed(hub, place, raw):
    subscriber = await hub.subscribe(place.vendor.pk)
    topic = hub.topics[place.vendor.pk]
    for number in range(5):
        await publish(place.vendor.pk, number)
    await collect(subscriber, 5)
    topic.position = Position(topic.position.epoch, 1)  # as if we had been away
    raw.xtrim(stream_key(place.vendor.pk), maxlen=2, approximate=False)

    assert isinstance(await wait_for(subscriber, Lagged), Lagged)


async def test_a_slow_subscriber_gets_lagged_and_the_others_get_every_event(hub, place, monkeypatch):
    monkeypatch.setattr(limits, "QUEUE", 8)
    slow = await hub.subscribe(place.vendor.pk)
    quick = await hub.subscribe(place.vendor.pk)
    for number in range(30):
        await publish(place.vendor.pk, number)
        assert await collect(quick, 1) == [f"v{number}"]

    waiting = [slow.queue.get_nowait() for _ in range(slow.queue.qsize())]
    assert any(isinstance(item, Lagged) for item in waiting)
    assert len(waiting) <= 8


async def test_the_hub_sends_no_heartbeat_while_redis_is_silent(hub, place, raw, monkeypatch):
    monkeypatch.undo()  # it notices by its own time-out
    hub.client = connections.hub_client()
    subscriber = await hub.subscribe(place.vendor.pk)
    await wait_for(subscriber, Heartbeat)
    with silent_redis(raw):
        await wait_for(subscriber, Stalled)
    await wait_for(subscriber, Heartbeat)


async def test_a_missed_row_is_relayed_late_once(hub, place, raw):
    row = await SupportVisit.objects.acreate(
        vendor=place.vendor,
        visit="missed",
        subject="alias",
        page="support",
        path="/support/",
        arrived_at=timezone.now(),
        published=False,
    )
    subscribers = [await hub.subscribe(place.vendor.pk)]
    event = (await wait_for(subscribers[0], EventMessage)).event
    await row.arefresh_from_db()

    assert (event["type"], event["visit"], event["late"]) == ("arrive", "missed", True)
    assert row.published
    assert row.late


async def test_replay_gives_what_was_missed_and_refuses_where_it_is_gone(place, raw):
    vendor_id = place.vendor.pk
    for number in range(6):
        await publish(vendor_id, number)
    async with connections.hub_client() as client:
        here = (await reads.snapshot(client, vendor_id)).position
        last = Position(here.epoch, 2)
        assert await reads.can_replay(client, vendor_id, last, here)
        missed = [event["seq"] async for batch in reads.events_after(client, vendor_id, last, here) for event in batch]
        assert missed == [3, 4, 5, 6]
        assert await reads.can_replay(client, vendor_id, here, here)
        raw.xtrim(stream_key(vendor_id), maxlen=3, approximate=False)
        assert await reads.can_replay(client, vendor_id, Position(here.epoch, 3), here)
        assert not await reads.can_replay(client, vendor_id, last, here)
        assert not await reads.can_replay(client, vendor_id, Position("other", 5), here)
        assert not await reads.can_replay(client, vendor_id, Position(here.epoch, 99), here)
