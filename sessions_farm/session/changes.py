"""Changes of a shared variable as they happen, over all sessions of the farm (SemaphoreServer's channels)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from sessions_farm.conf import declaration_of
from sessions_farm.session import serializer, ttl
from sessions_farm.stores import current_store
from sessions_farm.stores.base import VariableChange
from sessions_farm.stores.effects.effects import run_async, run_sync

WAIT = 5.0  # seconds that one question waits for news


@dataclass(frozen=True, slots=True)
class Change:
    """A session's shared variable has another value; None where it is gone. ``place`` resumes a feed behind it."""

    handle: str
    name: str
    value: Any
    at: int
    place: str


def subscribe(name: str, *, after: str = "") -> Iterator[Change]:
    """Changes from now on, or behind a ``place``; blocks between them, for ever."""
    require_shared(name)
    store = current_store()
    while True:
        found, after = run_sync(store.read_changes(name, after, WAIT))
        yield from map(shown, found)


async def asubscribe(name: str, *, after: str = "") -> AsyncIterator[Change]:
    require_shared(name)
    store = current_store()
    while True:
        found, after = await run_async(store.read_changes(name, after, WAIT))
        for change in found:
            yield shown(change)


def shown(change: VariableChange) -> Change:
    value = None
    if change.text is not None:
        value = ttl.opened(change.text) if declaration_of(change.name).ttl else serializer.decode(change.text)
    return Change(change.key, change.name, value, change.at, change.place)


def require_shared(name: str) -> None:
    if not declaration_of(name).shared:
        raise ValueError(
            f'{name!r} has no feed. Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"shared": True}}}}.'
        )
