"""The staff's socket: brings a screen up to date, then passes on what happens, in order and without a silent hole."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from redis.exceptions import RedisError

from support_watch import access, feed, limits
from support_watch.events import Event
from support_watch.feed import Position
from support_watch.hub import Hub, hub_of_this_loop
from support_watch.rooms import Asked, Happened, Item, Lagged, Seat, Stalled, Vouched, as_position

logger = logging.getLogger(__name__)
BAD_MESSAGE, FORBIDDEN, TOO_MANY, TOO_BIG, TRY_LATER = 4400, 4403, 4429, 1009, 1013


class WatchConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """Operations of the client: sub and resync (with ``last``: epoch and seq), unsub."""

    async def connect(self) -> None:
        self.slug: str = self.scope["url_route"]["kwargs"]["slug"]
        self.socket = secrets.token_urlsafe(9)
        self.user_id: Any = None
        self.seat: Seat | None = None
        self.sent: Position | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.operations: list[float] = []
        try:
            user_id, vendor = await database_sync_to_async(access.watcher)(self.scope["session"], self.slug)
        except (DatabaseError, access.SessionUnknown):
            vendor = None
        if vendor is None:
            await self.close()  # before accept: the handshake is answered 403
            return
        self.vendor_id = vendor.pk
        self.hub: Hub = hub_of_this_loop()
        await self.accept()
        if not await self._hold_slot(user_id):
            await self.close(TOO_MANY)
            return
        self.user_id = user_id
        self._start(self._guard())

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.seat is not None:
            await self.hub.leave(self.seat)
        if self.user_id is not None:
            with suppress(RedisError):  # then the slot frees itself
                await access.free_slot(self.hub.questions, self.user_id, self.socket)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len((text_data or "").encode()) > limits.MESSAGE_BYTES or bytes_data is not None:
            await self._end(TOO_BIG)
        elif self._is_flood():
            await self._end(TOO_MANY)
        else:
            await self._obey(text_data or "")

    async def _obey(self, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"op": "sub" | "resync", **rest}:
                await self._subscribe(as_position(rest.get("last")))
            case {"op": "unsub"}:
                await self._unsubscribe()
            case _:
                await self._end(BAD_MESSAGE)

    async def _subscribe(self, last: Position | None) -> None:
        if self.seat is None:
            self.seat = await self.hub.join(self.vendor_id)
            self.seat.empty()  # the answer to this question covers it
            self.seat.push(Asked(last))
            self._start(self._pump(self.seat))
        else:
            self.seat.push(Asked(last))

    async def _unsubscribe(self) -> None:
        if self.seat is not None:
            pump = self.tasks.pop()
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
            await self.hub.leave(self.seat)
            self.seat = None

    def _is_flood(self) -> bool:
        now = time.monotonic()
        self.operations = [*(at for at in self.operations if at > now - 1), now]
        return len(self.operations) > limits.OPERATIONS_PER_SECOND

    def _start(self, work: Any) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def _end(self, code: int) -> None:
        """Close, and send nothing after it."""
        current = asyncio.current_task()
        others = [task for task in self.tasks if task is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        with suppress(OSError):  # the client went first
            await self.close(code)

    async def _pump(self, seat: Seat) -> None:
        """The only sender of the feed, so what the client gets is in the order of the queue."""
        try:
            while True:
                await self._hand_over(seat, await seat.queue.get())
        except OSError:  # so ASGI says that the client has gone
            await self._end(TRY_LATER)
        except Exception:
            logger.exception("A staff socket failed and is closed; it will come back.")
            await self._end(TRY_LATER)

    async def _hand_over(self, seat: Seat, item: Item) -> None:
        match item:
            case Happened(event):
                await self._pass_on(event)
            case Vouched(position, now):
                await self._say(op="hb", epoch=position.epoch, seq=position.seq, now=now)
            case Stalled():
                await self._say(op="stall")
            case Asked() | Lagged():
                try:
                    await self._bring_up(item.last if isinstance(item, Asked) else self.sent)
                except RedisError:
                    await self._say(op="stall")
                    await asyncio.sleep(1)
                    seat.push(item)

    async def _pass_on(self, event: Event) -> None:
        if self.sent is None or event["epoch"] != self.sent.epoch or event["seq"] > self.sent.seq + 1:
            await self._bring_up(self.sent)
        elif event["seq"] == self.sent.seq + 1:
            await self._say(op="ev", event=event)
            self.sent = Position(event["epoch"], event["seq"])

    async def _bring_up(self, last: Position | None) -> None:
        """Replay what came after ``last``; where that is not all there, or nothing was known, tell the whole state."""
        client = self.hub.questions
        state = await feed.snapshot(client, self.vendor_id)  # the position and the state of one instant
        here = state.position
        if last is not None and await feed.can_replay(client, self.vendor_id, last, here):
            reached = last
            async for events in feed.since(client, self.vendor_id, last, here):
                reached = Position(here.epoch, events[-1]["seq"])
                await self._replay(events, reached, here, state.now)
            if last == here:
                await self._replay([], here, here, state.now)
            if reached == here:
                self.sent = here
                return
        await self._say(
            op="snapshot", epoch=here.epoch, seq=here.seq, now=state.now, recovered=last is None, present=state.present
        )
        self.sent = here

    async def _replay(self, events: list[Event], reached: Position, here: Position, now: int) -> None:
        more = reached != here
        await self._say(
            op="replay", epoch=here.epoch, seq=reached.seq, now=now, recovered=True, more=more, events=events
        )

    async def _say(self, **message: Any) -> None:
        await self.send(text_data=json.dumps(message, separators=(",", ":")))

    async def _guard(self) -> None:
        """Close the socket of who may no longer watch; where nobody can say so, it has to come again."""
        while True:
            await asyncio.sleep(limits.RECHECK_SECONDS)
            try:
                user_id, vendor = await database_sync_to_async(access.watcher)(self.scope["session"], self.slug)
            except (DatabaseError, access.SessionUnknown):
                await self._end(TRY_LATER)
                return
            if vendor is None or user_id != self.user_id:
                await self._end(FORBIDDEN)
                return
            await self._hold_slot(user_id)

    async def _hold_slot(self, user_id: Any) -> bool:
        try:
            return await access.hold_slot(self.hub.questions, user_id, self.socket)
        except RedisError:
            return True  # without Redis there is nothing to see, and the page should say so
