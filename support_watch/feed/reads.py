"""Reads of the feed: the stream's position, the present visitors, and the events since a position."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import redis
import redis.asyncio

from support_watch import limits
from support_watch.feed.events import Entry, Event, Visitor, as_visitor, decode, seq_of
from support_watch.feed.scripts import root_key, source, stream_key
from support_watch.feed.writes import new_epoch


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the feed: the epoch of the stream and the sequence number of the last event seen."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The presence as of ``position``, latest arrival first; ``now`` is Redis' clock in ms."""

    position: Position
    now: int
    present: list[Visitor]


@dataclass(frozen=True, slots=True)
class Sweep:
    """The result of a sweep: the visits that this sweeper ended, and when each was over."""

    position: Position
    now: int
    left: dict[str, datetime] = field(default_factory=dict)


async def snapshot(client: redis.asyncio.Redis, vendor_id: int) -> Snapshot:
    """Return the presence and the position of one instant."""
    result = await client.register_script(source("snapshot"))(keys=[root_key(vendor_id)], args=[new_epoch()])
    return as_snapshot(result)


def snapshot_now(client: redis.Redis, vendor_id: int) -> Snapshot:
    """Return the same for rendered pages and commands."""
    result = client.register_script(source("snapshot"))(keys=[root_key(vendor_id)], args=[new_epoch()])
    return as_snapshot(result)


def handle_of(client: redis.Redis, vendor_id: int, visit: str) -> str:
    """Return the handle of a present visitor's session, '' where there is none or the shopper allows nothing."""
    return cast("str | None", client.hget(f"{root_key(vendor_id)}:handles", visit)) or ""


def as_snapshot(result: Any) -> Snapshot:
    """Return the snapshot in the script's result."""
    epoch, seq, now, *items = result
    visitors = [as_visitor(visit, values) for visit, values in in_pairs(items)]
    visitors.sort(key=lambda visitor: visitor["since"], reverse=True)
    return Snapshot(Position(epoch, int(seq)), int(now), visitors)


async def sweep(client: redis.asyncio.Redis, vendor_id: int) -> Sweep:
    """End the visits that are over; return them with the stream's position after it."""
    return as_sweep(await client.register_script(source("sweep"))(keys=[root_key(vendor_id)], args=sweep_arguments()))


def sweep_now(client: redis.Redis, vendor_id: int) -> Sweep:
    """Do the same for rendered pages: without JavaScript no hub may be running."""
    return as_sweep(client.register_script(source("sweep"))(keys=[root_key(vendor_id)], args=sweep_arguments()))


def sweep_arguments() -> list[str | int]:
    """Return the arguments of lua/sweep.lua."""
    return [new_epoch(), limits.KEEP_EVENTS, limits.SWEEP_BATCH]


def as_sweep(result: Any) -> Sweep:
    """Return the sweep in the script's result."""
    epoch, seq, now, *items = result
    left = {visit: datetime.fromtimestamp(float(ended) / 1000, UTC) for visit, ended in in_pairs(items)}
    return Sweep(Position(epoch, int(seq)), int(now), left)


def in_pairs(items: list[Any]) -> zip[tuple[Any, Any]]:
    """Pair the items of a flat list, two by two."""
    return zip(items[::2], items[1::2], strict=True)


async def can_replay(client: redis.asyncio.Redis, vendor_id: int, last: Position, here: Position) -> bool:
    """Return True if every event after ``last`` is kept: same epoch, and no gap before the oldest kept event.

    Centrifugo's rule (centrifugal.dev, history and recovery).
    """
    if last.epoch != here.epoch or not 0 <= last.seq <= here.seq:
        return False
    if last.seq == here.seq:
        return True
    oldest = cast("list[Entry]", await client.xrange(stream_key(vendor_id), count=1))
    return bool(oldest) and seq_of(oldest[0][0]) <= last.seq + 1


async def events_after(
    client: redis.asyncio.Redis, vendor_id: int, last: Position, here: Position
) -> AsyncIterator[list[Event]]:
    """Yield the events after ``last`` up to ``here``, in batches of REPLAY_BATCH."""
    seq = last.seq
    while seq < here.seq:
        found = await client.xrange(
            stream_key(vendor_id), min=f"({seq}-0", max=f"{here.seq}-0", count=limits.REPLAY_BATCH
        )
        entries = cast("list[Entry]", found)
        if not entries:
            return
        yield [decode(vendor_id, entry_id, fields) for entry_id, fields in entries]
        seq = seq_of(entries[-1][0])
