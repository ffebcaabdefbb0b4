"""Topics and subscribers of this process: the feed's position for each vendor, a bounded queue for each socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from support_watch import limits
from support_watch.feed.events import Event
from support_watch.feed.reads import Position


@dataclass(frozen=True, slots=True)
class EventMessage:
    """The next event of the feed."""

    event: Event


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Every event up to ``position`` was delivered; ``now`` is Redis' clock in ms."""

    position: Position
    now: int


@dataclass(frozen=True, slots=True)
class Stalled:
    """The hub has lost contact with the stream, so events may be missing."""


@dataclass(frozen=True, slots=True)
class Lagged:
    """Events were dropped: the socket must be resynced from the last position it was sent."""


@dataclass(frozen=True, slots=True)
class ResyncRequested:
    """The client requests the events after ``last``, or a snapshot where it has no position."""

    last: Position | None


type Message = EventMessage | Heartbeat | Stalled | Lagged | ResyncRequested


@dataclass(eq=False, slots=True)
class Subscriber:
    """The bounded queue of one socket; it is the only way to the socket, so messages stay in order."""

    vendor_id: int
    queue: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(limits.QUEUE))

    def push(self, message: Message) -> None:
        """Queue a message without waiting. Back-pressure: one Lagged replaces a full queue and leads to a resync."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.clear()
            self.queue.put_nowait(Lagged())

    def clear(self) -> None:
        """Drop all queued messages."""
        while not self.queue.empty():
            self.queue.get_nowait()


@dataclass(eq=False, slots=True)
class Topic:
    """The subscribers of one vendor. ``position`` is the last event delivered, None until Redis was reached."""

    vendor_id: int
    position: Position | None = None
    subscribers: set[Subscriber] = field(default_factory=set)
    rounds_behind: int = 0  # sweeps in a row that found the stream ahead and our position unchanged
    last_checked: Position | None = None

    def publish(self, message: Message) -> None:
        """Push a message to every subscriber."""
        for subscriber in self.subscribers:
            subscriber.push(message)

    def deliver(self, event: Event) -> None:
        """Publish the next event; after a gap or a new epoch make every subscriber resync; ignore a duplicate."""
        there = Position(event["epoch"], event["seq"])
        here = self.position
        if here is None or here.epoch != there.epoch:
            self.reset(there)
        elif there.seq == here.seq + 1:
            self.position = there
            self.publish(EventMessage(event))
        elif there.seq > here.seq:
            self.reset(there)

    def check_position(self, there: Position, position_before: Position | None) -> None:
        """Compare our position with the stream's: after a lost or reset stream every subscriber resyncs.

        ``position_before`` is our position when the request was sent; events read meanwhile are newer than the result.
        """
        if epoch_of(self.position) != epoch_of(position_before):
            return
        if position_before is None or position_before.epoch != there.epoch or there.seq < position_before.seq:
            self.reset(there)
        here = self.position
        stuck = here is not None and there.seq > here.seq and here == self.last_checked
        self.rounds_behind = self.rounds_behind + 1 if stuck else 0
        self.last_checked = here

    def reset(self, position: Position) -> None:
        """Continue from another position; every subscriber resyncs."""
        self.position = position
        self.publish(Lagged())


def epoch_of(position: Position | None) -> str:
    """Return the epoch of a position, empty for None."""
    return position.epoch if position else ""


def as_position(value: Any) -> Position | None:
    """Return the position in a client's message, None for any other value."""
    match value:
        case {"epoch": str(epoch), "seq": int(seq)}:
            return Position(epoch, seq)
    return None
