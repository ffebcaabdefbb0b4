"""One vendor's watchers in this process: where their feed stands, and a bounded queue for each socket."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from support_watch import limits
from support_watch.events import Event
from support_watch.feed import Position


@dataclass(frozen=True, slots=True)
class Happened:
    event: Event


@dataclass(frozen=True, slots=True)
class Vouched:
    """The hub has passed on everything up to ``position``; ``now`` is Redis' clock in ms."""

    position: Position
    now: int


@dataclass(frozen=True, slots=True)
class Stalled:
    """The hub cannot say whether something happened."""


@dataclass(frozen=True, slots=True)
class Lagged:
    """Events were not passed on: the socket must be brought up to date from what it was sent last."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The client asks for what came after ``last``, or for the state where it knows nothing."""

    last: Position | None


type Item = Happened | Vouched | Stalled | Lagged | Asked


@dataclass(eq=False, slots=True)
class Seat:
    """One socket's place. Its queue is the only way to it, so what it gets is in order."""

    vendor_id: int
    queue: asyncio.Queue[Item] = field(default_factory=lambda: asyncio.Queue(limits.QUEUE))

    def push(self, item: Item) -> None:
        """Never waits: who is too far behind loses the queue and is brought up to date instead."""
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.empty()
            self.queue.put_nowait(Lagged())

    def empty(self) -> None:
        while not self.queue.empty():
            self.queue.get_nowait()


@dataclass(eq=False, slots=True)
class Room:
    """``position`` is the last event passed on; None as long as Redis was not reached."""

    vendor_id: int
    position: Position | None = None
    seats: set[Seat] = field(default_factory=set)
    behind: int = 0  # sweeps in a row that found the stream ahead of us, and us where we were
    compared: Position | None = None

    def tell(self, item: Item) -> None:
        for seat in self.seats:
            seat.push(item)

    def take(self, event: Event) -> None:
        """Pass on the next event; after a hole or another epoch every seat is brought up to date."""
        there = Position(event["epoch"], event["seq"])
        here = self.position
        if here is None or here.epoch != there.epoch:
            self.start_anew(there)
        elif there.seq == here.seq + 1:
            self.position = there
            self.tell(Happened(event))
        elif there.seq > here.seq:
            self.start_anew(there)

    def compare(self, there: Position, asked_from: Position | None) -> None:
        """Hold our place against the stream's: a lost or set-back stream makes all start anew.

        ``asked_from`` is our place when the question went out; what we read meanwhile is newer than the answer.
        """
        if epoch_of(self.position) != epoch_of(asked_from):
            return
        if asked_from is None or asked_from.epoch != there.epoch or there.seq < asked_from.seq:
            self.start_anew(there)
        here = self.position
        stuck = here is not None and there.seq > here.seq and here == self.compared
        self.behind = self.behind + 1 if stuck else 0
        self.compared = here

    def start_anew(self, position: Position) -> None:
        self.position = position
        self.tell(Lagged())


def epoch_of(position: Position | None) -> str:
    return position.epoch if position else ""


def as_position(value: Any) -> Position | None:
    """The position a client claims, None for anything else."""
    match value:
        case {"epoch": str(epoch), "seq": int(seq)}:
            return Position(epoch, seq)
    return None
