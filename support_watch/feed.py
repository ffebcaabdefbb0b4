"""The read path's questions: where the stream stands, who is here, and what happened since."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import redis
import redis.asyncio

from support_watch import limits
from support_watch.events import Entry, Event, Visitor, decode, number, present
from support_watch.scripts import root_key, source, stream_key
from support_watch.stream import new_epoch


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: the stream's life and the number of the last event seen."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who is here (latest arrival first) as of ``position``; ``now`` is Redis' clock in ms."""

    position: Position
    now: int
    present: list[Visitor]


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep ended: visits and when, for this sweeper alone."""

    position: Position
    now: int
    left: dict[str, datetime] = field(default_factory=dict)


async def snapshot(client: redis.asyncio.Redis, vendor_id: int) -> Snapshot:
    answer = await client.register_script(source("snapshot"))(keys=[root_key(vendor_id)], args=[new_epoch()])
    return as_snapshot(answer)


def snapshot_now(client: redis.Redis, vendor_id: int) -> Snapshot:
    """The same for rendered pages and commands."""
    answer = client.register_script(source("snapshot"))(keys=[root_key(vendor_id)], args=[new_epoch()])
    return as_snapshot(answer)


def as_snapshot(answer: Any) -> Snapshot:
    epoch, seq, now, *pairs = answer
    visitors = [present(visit, values) for visit, values in in_turns(pairs)]
    visitors.sort(key=lambda visitor: visitor["since"], reverse=True)
    return Snapshot(Position(epoch, int(seq)), int(now), visitors)


async def sweep(client: redis.asyncio.Redis, vendor_id: int) -> Sweep:
    """End the visits that are over, and say where the stream stands after it."""
    return as_sweep(await client.register_script(source("sweep"))(keys=[root_key(vendor_id)], args=sweep_arguments()))


def sweep_now(client: redis.Redis, vendor_id: int) -> Sweep:
    """The same for rendered pages: without JavaScript there may be nobody else who does it."""
    return as_sweep(client.register_script(source("sweep"))(keys=[root_key(vendor_id)], args=sweep_arguments()))


def sweep_arguments() -> list[str | int]:
    return [new_epoch(), limits.KEEP_EVENTS, limits.SWEEP_BATCH]


def as_sweep(answer: Any) -> Sweep:
    epoch, seq, now, *pairs = answer
    left = {visit: datetime.fromtimestamp(float(ended) / 1000, UTC) for visit, ended in in_turns(pairs)}
    return Sweep(Position(epoch, int(seq)), int(now), left)


def in_turns(items: list[Any]) -> zip[tuple[Any, Any]]:
    return zip(items[::2], items[1::2], strict=True)


async def can_replay(client: redis.asyncio.Redis, vendor_id: int, last: Position, here: Position) -> bool:
    """Whether everything after ``last`` is still there: same epoch, and no hole before the oldest kept event.

    Centrifugo's rule (centrifugal.dev, history and recovery).
    """
    if last.epoch != here.epoch or not 0 <= last.seq <= here.seq:
        return False
    if last.seq == here.seq:
        return True
    oldest = cast("list[Entry]", await client.xrange(stream_key(vendor_id), count=1))
    return bool(oldest) and number(oldest[0][0]) <= last.seq + 1


async def since(
    client: redis.asyncio.Redis, vendor_id: int, last: Position, here: Position
) -> AsyncIterator[list[Event]]:
    """The events after ``last`` up to ``here``, in batches of REPLAY_BATCH."""
    seq = last.seq
    while seq < here.seq:
        found = await client.xrange(
            stream_key(vendor_id), min=f"({seq}-0", max=f"{here.seq}-0", count=limits.REPLAY_BATCH
        )
        entries = cast("list[Entry]", found)
        if not entries:
            return
        yield [decode(vendor_id, entry_id, fields) for entry_id, fields in entries]
        seq = number(entries[-1][0])
