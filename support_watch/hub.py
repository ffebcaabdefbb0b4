"""The one reader of a process: reads the streams of the watched vendors and fans events out to their sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast
from weakref import WeakKeyDictionary

import redis.asyncio
from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from support_watch import claims, limits, redaction, services
from support_watch.feed import connections, reads
from support_watch.feed.events import Entry, Streams, decode
from support_watch.feed.scripts import stream_key
from support_watch.feed.writes import ACCESS_STREAM, FeedUnavailableError
from support_watch.topics import Heartbeat, Stalled, Subscriber, Topic

logger = logging.getLogger(__name__)
BLOCK_MS = 1000
RETRY_SECONDS = 0.2
STALLED_AFTER = 3  # sweeps


class Watched(Protocol):
    """A screen that must be told when the access of its user has changed."""

    changed: asyncio.Event
    signed_out: bool

    def is_of(self, *, user: str, session: str) -> bool:
        """Return whether a change is about this screen."""


class Hub:
    """Runs while it has subscribers. It reads from the last sequence number on, so a lost connection loses no event."""

    def __init__(self) -> None:
        self.topics: dict[int, Topic] = {}
        self.client = connections.hub_client()
        self._wake_key = f"watch:wake:{secrets.token_hex(6)}"
        self._wake_seen = "0-0"
        self.guards: set[Watched] = set()
        self._access_seen = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._is_healthy = False

    async def subscribe(self, vendor_id: int) -> Subscriber:
        """Return a new subscriber, whose queue gets every event from now on; a snapshot read later misses none."""
        subscriber = Subscriber(vendor_id)
        topic = self.topics.get(vendor_id)
        if topic is None:
            topic = self.topics[vendor_id] = Topic(vendor_id)
        topic.subscribers.add(subscriber)
        self._start()
        if topic.position is None:
            await self._open(topic)
        return subscriber

    async def unsubscribe(self, subscriber: Subscriber) -> None:
        """Remove a subscriber; the last one of the process stops the hub."""
        topic = self.topics.get(subscriber.vendor_id)
        if topic is None:
            return
        topic.subscribers.discard(subscriber)
        if not topic.subscribers:
            del self.topics[subscriber.vendor_id]
        if not self.topics:
            await self._stop()

    async def _open(self, topic: Topic) -> None:
        """Read the stream's position and wake the reader, which is waiting for other vendors' events."""
        try:
            await self._sweep_once(topic)
            await self.client.xadd(self._wake_key, {"vendor": topic.vendor_id}, maxlen=1)
            await self.client.expire(self._wake_key, 60)
        except RedisError as error:
            logger.warning("The feed of vendor %s opens when Redis is back: %s", topic.vendor_id, error)

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(run_forever(work)) for work in (self._read_loop, self._sweep_loop, self._relay_loop)
            ]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self._tasks:  # no subscriber came meanwhile
            await self.client.aclose()

    async def _read_loop(self) -> None:
        async with connections.stream_client() as client:
            while True:
                try:
                    await self._find_access_position(client)
                    found = await client.xread(self._streams(), block=BLOCK_MS)
                    for key, entries in cast("Streams", found):
                        self._fan_out(key, entries)
                except (RedisError, OSError) as error:
                    logger.warning("The feed's reader lost Redis and continues from its position: %s", error)
                    await asyncio.sleep(RETRY_SECONDS)

    def _streams(self) -> dict[Any, Any]:
        positions = ((topic.vendor_id, topic.position) for topic in self.topics.values())
        streams = {stream_key(vendor_id): f"{position.seq}-0" for vendor_id, position in positions if position}
        return {self._wake_key: self._wake_seen, ACCESS_STREAM: self._access_seen, **streams}

    async def _find_access_position(self, client: redis.asyncio.Redis) -> None:
        """Begin behind the last change of permissions; every screen that is open is checked once, after it."""
        if not self._access_seen:
            latest = cast("list[Entry]", await client.xrevrange(ACCESS_STREAM, count=1))
            self._access_seen = latest[0][0] if latest else "0-0"
            for guard in self.guards:
                guard.changed.set()

    def _fan_out(self, key: str, entries: list[Entry]) -> None:
        if key == self._wake_key:
            self._wake_seen = entries[-1][0]
            return
        if key == ACCESS_STREAM:
            self._access_seen = entries[-1][0]
            self._report_access([fields for _, fields in entries])
            return
        vendor_id = int(key.partition(":")[2].partition("}")[0])
        topic = self.topics.get(vendor_id)
        if topic is None:
            return  # its last subscriber left while we read
        for entry_id, fields in entries:
            topic.deliver(decode(vendor_id, entry_id, fields))

    def _report_access(self, changes: list[dict[str, str]]) -> None:
        for change in changes:
            for guard in self.guards:
                if guard.is_of(user=change["user"], session=change["session"]):
                    guard.signed_out |= bool(change["session"])
                    guard.changed.set()

    async def _sweep_loop(self) -> None:
        """Each second end visits that are over and compare positions; send heartbeats every HEARTBEAT_SECONDS."""
        rounds = 0
        every = max(1, round(limits.HEARTBEAT_SECONDS / limits.SWEEP_SECONDS))
        while True:
            was_healthy = self._is_healthy
            clock = [await self._sweep(topic) for topic in list(self.topics.values())]
            if rounds % every == 0 or self._is_healthy != was_healthy:
                self._send_heartbeats(max(clock, default=0))
            rounds += 1
            await asyncio.sleep(limits.SWEEP_SECONDS)

    async def _sweep(self, topic: Topic) -> int:
        """Sweep a topic's visits; return Redis' clock in ms, 0 where it does not answer."""
        try:
            now = await self._sweep_once(topic)
        except (RedisError, OSError) as error:
            if self._is_healthy:
                logger.warning("The feed cannot query Redis: %s", error)
            self._is_healthy = False
            return 0
        self._is_healthy = True
        return now

    async def _sweep_once(self, topic: Topic) -> int:
        position_before = topic.position
        swept = await reads.sweep(self.client, topic.vendor_id)
        topic.check_position(swept.position, position_before)
        if swept.left:
            await self._in_database(services.record_departures, vendor_id=topic.vendor_id, left=swept.left)
        return swept.now

    def _send_heartbeats(self, now: int) -> None:
        for topic in self.topics.values():
            if self._is_healthy and topic.position is not None and topic.rounds_behind < STALLED_AFTER:
                topic.publish(Heartbeat(topic.position, now))
            else:
                topic.publish(Stalled())

    async def _relay_loop(self) -> None:
        while True:
            await asyncio.sleep(limits.RELAY_SECONDS)
            for service in (services.relay_pending, redaction.relay_redactions, claims.relay_claims, claims.end_unseen):
                with contextlib.suppress(FeedUnavailableError):  # the next round tries again
                    await self._in_database(service, now=timezone.now())

    async def _in_database(self, service: Callable[..., object], **arguments: object) -> None:
        try:
            await database_sync_to_async(service)(**arguments)
        except DatabaseError as error:
            logger.warning("The feed's history cannot be written now: %s", error)


async def run_forever(work: Callable[[], Awaitable[None]]) -> None:
    """Run a task of the hub; log an exception and start the task again, since a hub without it would miss events."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("A task of the feed failed and is started again.")
            await asyncio.sleep(RETRY_SECONDS)


hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop; a process serves with one loop."""
    loop = asyncio.get_running_loop()
    if loop not in hubs:
        hubs[loop] = Hub()
    return hubs[loop]
