"""Delivery of a vendor's feed to one staff screen: what it missed, then each event in order, without silent gaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from support_watch import claims
from support_watch.feed import reads
from support_watch.feed.events import Event
from support_watch.feed.reads import Position
from support_watch.hub import Hub
from support_watch.topics import EventMessage, Heartbeat, Lagged, Message, ResyncRequested, Stalled, Subscriber

logger = logging.getLogger(__name__)
type Send = Callable[[dict[str, Any]], Awaitable[None]]


class Delivery:
    """The feed on its way to one screen; ``send`` is the screen's transport, and this is its only sender.

    Messages (``op``): snapshot, replay, ev, hb, stall.
    """

    def __init__(self, hub: Hub, vendor_id: int, send: Send) -> None:
        self.hub = hub
        self.vendor_id = vendor_id
        self.send = send
        self.subscriber: Subscriber | None = None
        self.sent: Position | None = None

    async def subscribe(self, last: Position | None) -> None:
        """Begin, or begin anew, after ``last``; with a snapshot where the screen has no position."""
        if self.subscriber is None:
            self.subscriber = await self.hub.subscribe(self.vendor_id)
            self.subscriber.clear()  # the resync covers these events
        self.subscriber.push(ResyncRequested(last))

    async def unsubscribe(self) -> None:
        """Send nothing more."""
        if self.subscriber is not None:
            await self.hub.unsubscribe(self.subscriber)
            self.subscriber = None

    async def run(self) -> None:
        """Send the subscriber's queue until it is unsubscribed. Raise OSError if the screen has gone."""
        while (subscriber := self.subscriber) is not None:
            await self._send_message(subscriber, await subscriber.queue.get())

    async def _send_message(self, subscriber: Subscriber, message: Message) -> None:
        match message:
            case EventMessage(event):
                await self._send_event(event)
            case Heartbeat(position, now):
                await self.send({"op": "hb", "epoch": position.epoch, "seq": position.seq, "now": now})
            case Stalled():
                await self.send({"op": "stall"})
            case ResyncRequested() | Lagged():
                try:
                    await self._resync(message.last if isinstance(message, ResyncRequested) else self.sent)
                except (RedisError, DatabaseError):
                    await self.send({"op": "stall"})
                    await asyncio.sleep(1)
                    subscriber.push(message)

    async def _send_event(self, event: Event) -> None:
        if self.sent is None or event["epoch"] != self.sent.epoch or event["seq"] > self.sent.seq + 1:
            await self._resync(self.sent)
        elif event["seq"] == self.sent.seq + 1:
            await self.send({"op": "ev", "epoch": event["epoch"], "seq": event["seq"], "event": event})
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
        held = await database_sync_to_async(claims.held)(self.vendor_id)
        await self.send(
            {
                "op": "snapshot",
                "epoch": here.epoch,
                "seq": here.seq,
                "now": state.now,
                "recovered": last is None,
                "present": state.present,
                "claims": held,
            }
        )
        self.sent = here

    async def _replay(self, events: list[Event], reached: Position, here: Position, now: int) -> None:
        await self.send(
            {
                "op": "replay",
                "epoch": here.epoch,
                "seq": reached.seq,
                "now": now,
                "recovered": True,
                "more": reached != here,
                "events": events,
            }
        )
