"""The one reader of a process: follows the streams of the vendors watched here and fans them out to their sockets."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, cast
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from support_watch import connections, feed, limits, services
from support_watch.events import Entry, Streams, decode
from support_watch.rooms import Room, Seat, Stalled, Vouched
from support_watch.scripts import stream_key
from support_watch.stream import FeedDown

logger = logging.getLogger(__name__)
WAIT_MS = 1000
RETRY_SECONDS = 0.2
BEHIND_IS_STALLED = 3  # sweeps


class Hub:
    """Runs while somebody watches. It reads by the last event's number, so a lost connection loses no event."""

    def __init__(self) -> None:
        self.rooms: dict[int, Room] = {}
        self.questions = connections.questions()
        self._wake_key = f"watch:wake:{secrets.token_hex(6)}"
        self._wake_seen = "0-0"
        self._tasks: list[asyncio.Task[None]] = []
        self._sound = False

    async def join(self, vendor_id: int) -> Seat:
        """A seat whose queue gets every event from now on; ask for the state after it, and nothing falls between."""
        seat = Seat(vendor_id)
        room = self.rooms.get(vendor_id)
        if room is None:
            room = self.rooms[vendor_id] = Room(vendor_id)
        room.seats.add(seat)
        self._start()
        if room.position is None:
            await self._open(room)
        return seat

    async def leave(self, seat: Seat) -> None:
        room = self.rooms.get(seat.vendor_id)
        if room is None:
            return
        room.seats.discard(seat)
        if not room.seats:
            del self.rooms[seat.vendor_id]
        if not self.rooms:
            await self._stop()

    async def _open(self, room: Room) -> None:
        """Take the stream's present place and wake the reader, which is waiting for other vendors' events."""
        try:
            await self._sweep_once(room)
            await self.questions.xadd(self._wake_key, {"vendor": room.vendor_id}, maxlen=1)
            await self.questions.expire(self._wake_key, 60)
        except RedisError as error:
            logger.warning("The feed of vendor %s opens when Redis is back: %s", room.vendor_id, error)

    def _start(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(for_ever(work)) for work in (self._read, self._keep, self._relay)]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self._tasks:  # nobody came meanwhile
            await self.questions.aclose()

    async def _read(self) -> None:
        async with connections.reader() as client:
            while True:
                try:
                    found = await client.xread(self._streams(), block=WAIT_MS)
                    for key, entries in cast("Streams", found):
                        self._pass_on(key, entries)
                except (RedisError, OSError) as error:
                    logger.warning("The feed's reader lost Redis and goes on where it was: %s", error)
                    await asyncio.sleep(RETRY_SECONDS)

    def _streams(self) -> dict[Any, Any]:
        places = {stream_key(room.vendor_id): f"{room.position.seq}-0" for room in self.rooms.values() if room.position}
        return {self._wake_key: self._wake_seen, **places}

    def _pass_on(self, key: str, entries: list[Entry]) -> None:
        if key == self._wake_key:
            self._wake_seen = entries[-1][0]
            return
        vendor_id = int(key.partition(":")[2].partition("}")[0])
        room = self.rooms.get(vendor_id)
        if room is None:
            return  # its last watcher left while we read
        for entry_id, fields in entries:
            room.take(decode(vendor_id, entry_id, fields))

    async def _keep(self) -> None:
        """Each second: end what is over, and hold our place against the stream's; now and then vouch for it."""
        rounds = 0
        every = max(1, round(limits.HEARTBEAT_SECONDS / limits.SWEEP_SECONDS))
        while True:
            was_sound = self._sound
            clock = [await self._sweep(room) for room in list(self.rooms.values())]
            if rounds % every == 0 or self._sound != was_sound:
                self._vouch(max(clock, default=0))
            rounds += 1
            await asyncio.sleep(limits.SWEEP_SECONDS)

    async def _sweep(self, room: Room) -> int:
        """Redis' clock in ms; 0 where it does not answer."""
        try:
            now = await self._sweep_once(room)
        except (RedisError, OSError) as error:
            if self._sound:
                logger.warning("The feed cannot ask Redis: %s", error)
            self._sound = False
            return 0
        self._sound = True
        return now

    async def _sweep_once(self, room: Room) -> int:
        asked_from = room.position
        swept = await feed.sweep(self.questions, room.vendor_id)
        room.compare(swept.position, asked_from)
        if swept.left:
            await self._in_database(services.note_departures, vendor_id=room.vendor_id, left=swept.left)
        return swept.now

    def _vouch(self, now: int) -> None:
        for room in self.rooms.values():
            if self._sound and room.position is not None and room.behind < BEHIND_IS_STALLED:
                room.tell(Vouched(room.position, now))
            else:
                room.tell(Stalled())

    async def _relay(self) -> None:
        while True:
            await asyncio.sleep(limits.RELAY_SECONDS)
            with contextlib.suppress(FeedDown):  # the next round tries again
                await self._in_database(services.relay_untold, now=timezone.now())

    async def _in_database(self, service: Callable[..., object], **arguments: object) -> None:
        try:
            await database_sync_to_async(service)(**arguments)
        except DatabaseError as error:
            logger.warning("The feed's history cannot be written now: %s", error)


async def for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """A hub without one of its tasks would look live and be deaf, so a fault is logged and the task begins again."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("A task of the feed failed and begins again.")
            await asyncio.sleep(RETRY_SECONDS)


hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub_of_this_loop() -> Hub:
    """The process' hub; a process serves with one event loop."""
    loop = asyncio.get_running_loop()
    if loop not in hubs:
        hubs[loop] = Hub()
    return hubs[loop]
