"""The staff's WebSocket: syncs the page, then sends each event in order and without silent gaps."""

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

from support_watch import access, limits
from support_watch.feed import reads
from support_watch.feed.events import Event
from support_watch.feed.reads import Position
from support_watch.hub import Hub, current_hub
from support_watch.topics import (
    EventMessage,
    Heartbeat,
    Lagged,
    Message,
    ResyncRequested,
    Stalled,
    Subscriber,
    as_position,
)

logger = logging.getLogger(__name__)
BAD_MESSAGE, FORBIDDEN, TOO_MANY, TOO_BIG, TRY_LATER = 4400, 4403, 4429, 1009, 1013


class WatchConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of a staff page. Operations of the client: sub and resync (``last``: epoch and seq), unsub."""

    async def connect(self) -> None:
        self.slug: str = self.scope["url_route"]["kwargs"]["slug"]
        self.socket = secrets.token_urlsafe(9)
        self.user_id: Any = None
        self.subscriber: Subscriber | None = None
        self.sent: Position | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.operations: list[float] = []
        try:
            user_id, vendor = await database_sync_to_async(access.authorize)(self.scope["session"], self.slug)
        except (DatabaseError, access.SessionUnavailableError):
            vendor = None
        if vendor is None:
            await self.close()  # before accept: the handshake is answered 403
            return
        self.vendor_id = vendor.pk
        self.hub: Hub = current_hub()
        await self.accept()
        if not await self._hold_slot(user_id):
            await self.close(TOO_MANY)
            return
        self.user_id = user_id
        self._start(self._recheck_access())

    async def disconnect(self, code: int) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        if self.subscriber is not None:
            await self.hub.unsubscribe(self.subscriber)
        if self.user_id is not None:
            with suppress(RedisError):  # the slot then expires
                await access.release_slot(self.hub.client, self.user_id, self.socket)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len((text_data or "").encode()) > limits.MESSAGE_BYTES or bytes_data is not None:
            await self._close(TOO_BIG)
        elif self._exceeds_rate_limit():
            await self._close(TOO_MANY)
        else:
            await self._handle_operation(text_data or "")

    async def _handle_operation(self, text: str) -> None:
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
                await self._close(BAD_MESSAGE)

    async def _subscribe(self, last: Position | None) -> None:
        if self.subscriber is None:
            self.subscriber = await self.hub.subscribe(self.vendor_id)
            self.subscriber.clear()  # the resync covers these events
            self.subscriber.push(ResyncRequested(last))
            self._start(self._send_loop(self.subscriber))
        else:
            self.subscriber.push(ResyncRequested(last))

    async def _unsubscribe(self) -> None:
        if self.subscriber is not None:
            send_loop = self.tasks.pop()
            send_loop.cancel()
            await asyncio.gather(send_loop, return_exceptions=True)
            await self.hub.unsubscribe(self.subscriber)
            self.subscriber = None

    def _exceeds_rate_limit(self) -> bool:
        now = time.monotonic()
        self.operations = [*(at for at in self.operations if at > now - 1), now]
        return len(self.operations) > limits.OPERATIONS_PER_SECOND

    def _start(self, work: Any) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def _close(self, code: int) -> None:
        """Stop sending, then close the socket."""
        current = asyncio.current_task()
        others = [task for task in self.tasks if task is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        with suppress(OSError):  # the client went first
            await self.close(code)

    async def _send_loop(self, subscriber: Subscriber) -> None:
        """Send the subscriber's queue; the only sender of the feed, so messages keep the queue's order."""
        try:
            while True:
                await self._send_message(subscriber, await subscriber.queue.get())
        except OSError:  # ASGI's signal that the client has gone
            await self._close(TRY_LATER)
        except Exception:
            logger.exception("A staff socket failed and is closed; its page will reconnect.")
            await self._close(TRY_LATER)

    async def _send_message(self, subscriber: Subscriber, message: Message) -> None:
        match message:
            case EventMessage(event):
                await self._send_event(event)
            case Heartbeat(position, now):
                await self._send_json(op="hb", epoch=position.epoch, seq=position.seq, now=now)
            case Stalled():
                await self._send_json(op="stall")
            case ResyncRequested() | Lagged():
                try:
                    await self._resync(message.last if isinstance(message, ResyncRequested) else self.sent)
                except RedisError:
                    await self._send_json(op="stall")
                    await asyncio.sleep(1)
                    subscriber.push(message)

    async def _send_event(self, event: Event) -> None:
        if self.sent is None or event["epoch"] != self.sent.epoch or event["seq"] > self.sent.seq + 1:
            await self._resync(self.sent)
        elif event["seq"] == self.sent.seq + 1:
            await self._send_json(op="ev", event=event)
            self.sent = Position(event["epoch"], event["seq"])

    async def _resync(self, last: Position | None) -> None:
        """Replay the events after ``last``; send a snapshot where some are gone or ``last`` is None."""
        client = self.hub.client
        state = await reads.snapshot(client, self.vendor_id)  # the position and the state of one instant
        here = state.position
        if last is not None and await reads.can_replay(client, self.vendor_id, last, here):
            reached = last
            async for events in reads.events_after(client, self.vendor_id, last, here):
                reached = Position(here.epoch, events[-1]["seq"])
                await self._replay(events, reached, here, state.now)
            if last == here:
                await self._replay([], here, here, state.now)
            if reached == here:
                self.sent = here
                return
        await self._send_json(
            op="snapshot", epoch=here.epoch, seq=here.seq, now=state.now, recovered=last is None, present=state.present
        )
        self.sent = here

    async def _replay(self, events: list[Event], reached: Position, here: Position, now: int) -> None:
        more = reached != here
        await self._send_json(
            op="replay", epoch=here.epoch, seq=reached.seq, now=now, recovered=True, more=more, events=events
        )

    async def _send_json(self, **message: Any) -> None:
        await self.send(text_data=json.dumps(message, separators=(",", ":")))

    async def _recheck_access(self) -> None:
        """Close the socket when access ends; close it for a later retry where access cannot be checked."""
        while True:
            await asyncio.sleep(limits.RECHECK_SECONDS)
            try:
                user_id, vendor = await database_sync_to_async(access.authorize)(self.scope["session"], self.slug)
            except (DatabaseError, access.SessionUnavailableError):
                await self._close(TRY_LATER)
                return
            if vendor is None or user_id != self.user_id:
                await self._close(FORBIDDEN)
                return
            await self._hold_slot(user_id)

    async def _hold_slot(self, user_id: Any) -> bool:
        try:
            return await access.acquire_slot(self.hub.client, user_id, self.socket)
        except RedisError:
            return True  # without Redis there are no events, and the page should show that
