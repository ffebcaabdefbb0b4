"""Changes of a shared variable as they happen, over all sessions of the farm (SemaphoreServer's channels)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

from sessions_farm import codec, ttl
from sessions_farm.conf import declared
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Changed
from sessions_farm.stores.steps import arun, run

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
        found, after = run(store.read_changes(name, after, WAIT))
        yield from map(shown, found)


async def asubscribe(name: str, *, after: str = "") -> AsyncIterator[Change]:
    require_shared(name)
    store = current_store()
    while True:
        found, after = await arun(store.read_changes(name, after, WAIT))
        for change in found:
            yield shown(change)


def shown(change: Changed) -> Change:
    value = None
    if change.text is not None:
        value = ttl.opened(change.text) if declared(change.name).ttl else codec.decode(change.text)
    return Change(change.key, change.name, value, change.at, change.place)


def require_shared(name: str) -> None:
    if not declared(name).shared:
        raise ValueError(
            f'{name!r} has no feed. Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"shared": True}}}}.'
        )
