"""Queries over all live sessions: how many there are, which are on a page, a person's devices (ASPBroker).

Only declared variables are seen here: ``indexed`` ones find sessions, ``shared`` ones are read. A session is named by
its handle, the keyed digest of its id: good for looking and ending, worthless as a cookie. Every function has its twin
for event loops, as ``count`` has ``acount``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sessions_farm.conf import declaration_of
from sessions_farm.declarations import OWNER
from sessions_farm.session import serializer
from sessions_farm.session.session import SessionStore
from sessions_farm.session.ttl import is_fresh, value_in
from sessions_farm.stores import current_store
from sessions_farm.stores.base import LiveRecord
from sessions_farm.stores.effects.effects import Effects, run_async, run_sync
from sessions_farm.stores.store_time import now_effects


@dataclass(frozen=True, slots=True)
class LiveSession:
    """The public part of a session; times are aware datetimes, ``shared`` the declared variables."""

    handle: str
    created_at: datetime.datetime
    seen_at: datetime.datetime
    expires_at: datetime.datetime
    shared: Mapping[str, Any]


def count() -> int:
    """Return the number of live sessions."""
    return run_sync(_count_effects())


async def acount() -> int:
    return await run_async(_count_effects())


def find(*, limit: int = 100, **values: Any) -> list[LiveSession]:
    """Return live sessions whose indexed variables have these values; any sessions, where none is given.

    Raise ValueError for a variable that is not declared ``indexed``.
    """
    return run_sync(_find_effects(values, limit))


async def afind(*, limit: int = 100, **values: Any) -> list[LiveSession]:
    return await run_async(_find_effects(values, limit))


def value(name: str, handle: str) -> Any:
    """Return a shared variable of another session; None where there is no such session or variable.

    Raise ValueError for a variable that is not declared ``shared``.
    """
    return run_sync(_value_effects(name, handle))


async def avalue(name: str, handle: str) -> Any:
    return await run_async(_value_effects(name, handle))


def devices(user: Any, *, limit: int = 100) -> list[LiveSession]:
    """Return the sessions that a person is signed in with."""
    return run_sync(_find_effects({OWNER: str(user.pk)}, limit))


async def adevices(user: Any, *, limit: int = 100) -> list[LiveSession]:
    return await run_async(_find_effects({OWNER: str(user.pk)}, limit))


def end(handle: str) -> None:
    """End a session for good."""
    run_sync(_end_one_effects(handle))


async def aend(handle: str) -> None:
    await run_async(_end_one_effects(handle))


def end_everywhere(user: Any, *, spare: SessionStore | None = None) -> int:
    """End a person's sessions in one step, except ``spare``; return how many ended."""
    return run_sync(_end_effects(user, spare))


async def aend_everywhere(user: Any, *, spare: SessionStore | None = None) -> int:
    return await run_async(_end_effects(user, spare))


def _count_effects() -> Effects[int]:
    store = current_store()
    return (yield from store.count((yield from now_effects(store))))


def _end_one_effects(handle: str) -> Effects[None]:
    store = current_store()
    yield from store.delete(handle, "ended", (yield from now_effects(store)))


def _find_effects(values: Mapping[str, Any], limit: int) -> Effects[list[LiveSession]]:
    texts = {name: serializer.encode(name, value) for name, value in values.items()}
    store = current_store()
    found = yield from store.find(texts, (yield from now_effects(store)), limit)
    return [as_live_session(one) for one in found]


def _value_effects(name: str, handle: str) -> Effects[Any]:
    if not declaration_of(name).shared:
        raise ValueError(
            f'{name!r} is not shared. Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"shared": True}}}}.'
        )
    store = current_store()
    found = yield from store.get_many([handle], (yield from now_effects(store)))
    return as_live_session(found[0]).shared.get(name) if found else None


def _end_effects(user: Any, spare: SessionStore | None) -> Effects[int]:
    kept = spare.key_hash if spare is not None else ""
    owner = serializer.encode(OWNER, str(user.pk))
    store = current_store()
    return (yield from store.end_where(OWNER, owner, kept, "ended", (yield from now_effects(store))))


def as_live_session(found: LiveRecord) -> LiveSession:
    header = found.header
    created, seen, expires = (as_time(moment) for moment in (header.created, header.seen, header.expires))
    return LiveSession(found.key, created, seen, expires, dict(decoded(found.shared.items())))


def decoded(texts: Iterable[tuple[str, str]]) -> Iterable[tuple[str, Any]]:
    """Yield names and values; a variable whose time to live has gone is left out."""
    for name, text in texts:
        if not declaration_of(name).ttl:
            yield name, serializer.decode(text)
        elif is_fresh(text):
            yield name, value_in(text)


def as_time(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
