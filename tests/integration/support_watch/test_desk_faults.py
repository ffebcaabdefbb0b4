"""Faults that have no better room: Redis restarted, shoppers that vanish, many arrivals for many screens."""

import asyncio
import os
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import redis

from deploy.servers import binaries, processes
from deploy.servers import redis as redis_server
from support_watch import limits
from support_watch.feed import connections, reads, writes
from support_watch.feed.scripts import root_key
from support_watch.feed.writes import Page
from support_watch.hub import Hub
from support_watch.topics import EventMessage
from tests.support.private_servers import PREFIX
from tests.support.waiting import wait_for

PAGE = Page("/support/", "help page")


def arrive(vendor_id, visit):
    return writes.arrive(vendor_id=vendor_id, visit=visit, tab="t", aliases=[f"a-{visit}"], page=PAGE)


class OwnRedis:
    """A Redis with an append-only file, which a test restarts under its own address."""

    def __init__(self, folder, binary, url):
        self.folder, self.binary, self.url, self.successor = folder, binary, url, None

    def restart(self):
        pid = int((self.folder / "redis.pid").read_text().partition("\n")[0])
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not processes.command_line(pid), "Redis to be gone", 20)
        command = [self.binary.server, self.folder / "redis.conf"]
        self.successor = processes.start(command, log=self.folder / "redis.log", last_signal=redis_server.STOP)
        wait_for(self.answers, "Redis to be back", 20)

    def answers(self):
        try:
            with redis.Redis.from_url(self.url) as client:
                return client.ping()
        except redis.ConnectionError:
            return False


@contextmanager
def own_redis():
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        binary = binaries.find_redis(binaries.choice(os.environ.get("MALL_SERVERS", "")), print)
        with redis_server.serve(binary, Path(name), durable=True) as url:
            mine = OwnRedis(Path(name), binary, url)
            try:
                yield mine
            finally:
                if mine.successor is not None:
                    processes.stop(mine.successor, redis_server.STOP, seconds=20)


async def test_restarted_redis_goes_on_in_its_epoch_and_nothing_is_missed(place, settings):
    with own_redis() as server:
        settings.REDIS_URL = server.url
        connections.page_client.cache_clear()
        hub = Hub()
        subscriber = await hub.subscribe(place.vendor.pk)
        epoch = hub.topics[place.vendor.pk].position.epoch
        await asyncio.to_thread(arrive, place.vendor.pk, "before")
        with redis.Redis.from_url(server.url) as client:
            await asyncio.to_thread(wait_for, lambda: is_on_disk(client), "the file to be written", 20)
        await asyncio.to_thread(server.restart)
        writes.PAGES.breaker.record_success()
        await asyncio.to_thread(arrive, place.vendor.pk, "after")
        found = []
        async with asyncio.timeout(20):
            while len(found) < 2:
                message = await subscriber.queue.get()
                if isinstance(message, EventMessage):
                    found.append((message.event["visit"], message.event["epoch"]))
        await hub.unsubscribe(subscriber)

    assert found == [("before", epoch), ("after", epoch)]


def is_on_disk(client):
    """Wait for an fsync that began after the event: the file is synced once a second."""
    info = client.info("persistence")
    time.sleep(1.1)
    return info["aof_enabled"] and not info["aof_pending_bio_fsync"] and not info["aof_buffer_length"]


async def test_shopper_who_vanishes_is_gone_when_the_time_is_up(place, raw, monkeypatch):
    """Nothing is heard of a killed browser, a closed lid or a page without a script."""
    arrive(place.vendor.pk, "one")
    until = raw.zscore(f"{root_key(place.vendor.pk)}:present", "one")
    seconds, micros = raw.time()
    assert until - (seconds * 1000 + micros / 1000) <= limits.TTL_MS
    assert limits.TTL_MS / 1000 + 2 * limits.SWEEP_SECONDS <= 52

    monkeypatch.setattr(limits, "TTL_MS", 200)
    hub = Hub()
    subscriber = await hub.subscribe(place.vendor.pk)
    arrive(place.vendor.pk, "two")  # now, so that its end is an event to the subscriber, and not before it
    async with asyncio.timeout(20):
        while True:
            message = await subscriber.queue.get()
            if isinstance(message, EventMessage) and message.event["type"] == "expire":
                break
    async with connections.hub_client() as client:
        present = (await reads.snapshot(client, place.vendor.pk)).present
    await hub.unsubscribe(subscriber)

    assert message.event["visit"] == "two"
    assert [visitor["visit"] for visitor in present] == ["one"]


async def test_fifty_arrivals_reach_each_of_a_hundred_screens_in_order(place):
    hub = Hub()
    subscribers = [await hub.subscribe(place.vendor.pk) for _ in range(100)]
    for number in range(50):
        await asyncio.to_thread(arrive, place.vendor.pk, f"v{number}")

    async def seen(subscriber):
        found = []
        while len(found) < 50:
            message = await subscriber.queue.get()
            found += [message.event["visit"]] if isinstance(message, EventMessage) else []
        return found

    async with asyncio.timeout(20):
        every = await asyncio.gather(*(seen(subscriber) for subscriber in subscribers))
    for subscriber in subscribers:
        await hub.unsubscribe(subscriber)

    assert every == [[f"v{number}" for number in range(50)]] * 100
