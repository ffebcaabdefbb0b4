"""Subscribe to the changes of a shared variable over all sessions of the farm (SemaphoreServer's channels)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from sessions_farm.conf import declaration_of
from sessions_farm.session import serializer, ttl
from sessions_farm.stores import current_store
from sessions_farm.stores.base import VariableChange
from sessions_farm.stores.effects.effects import run_async, run_sync

WAIT = 5.0  # seconds that one read of the feed waits for a change


@dataclass(frozen=True, slots=True)
class SharedChange:
    """A session's shared variable has another value; None where it was dropped. ``place`` resumes a feed behind it."""

    handle: str
    name: str
    value: Any
    at: int
    place: str


def subscribe(name: str, *, after: str = "") -> Iterator[SharedChange]:
    """Yield changes from now on, or behind a ``place``; block between them, forever."""
    require_shared(name)
    store = current_store()
    while True:
        found, after = run_sync(store.read_changes(name, after, WAIT))
        yield from map(as_shared_change, found)


async def asubscribe(name: str, *, after: str = "") -> AsyncIterator[SharedChange]:
    require_shared(name)
    store = current_store()
    while True:
        found, after = await run_async(store.read_changes(name, after, WAIT))
        for change in found:
            yield as_shared_change(change)


def as_shared_change(change: VariableChange) -> SharedChange:
    value = None
    if change.text is not None:
        value = ttl.value_in(change.text) if declaration_of(change.name).ttl else serializer.decode(change.text)
    return SharedChange(change.key, change.name, value, change.at, change.place)


def require_shared(name: str) -> None:
    if not declaration_of(name).shared:
        raise ValueError(
            f'{name!r} has no feed. Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"shared": True}}}}.'
        )
