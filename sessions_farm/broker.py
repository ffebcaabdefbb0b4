"""What may be known over all sessions: how many live, who is on which page, a person's devices (ASPBroker).

Only declared variables are seen here: ``indexed`` ones find sessions, ``shared`` ones are read. A session is named by
its handle, the keyed hash of its id: good for looking and ending, worthless as a cookie. Every function has its twin
for event loops, as ``count`` has ``acount``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sessions_farm import codec
from sessions_farm.conf import declared, options
from sessions_farm.declared import OWNER
from sessions_farm.exchange import Exchange
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Found, now_ms
from sessions_farm.stores.steps import Steps, arun, run
from sessions_farm.ttl import is_fresh, opened


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session as others may see it; times are aware datetimes, ``shared`` the declared variables."""

    handle: str
    created_at: datetime.datetime
    seen_at: datetime.datetime
    expires_at: datetime.datetime
    shared: Mapping[str, Any]


def count() -> int:
    """How many sessions live."""
    return run(current_store().count(now_ms()))


async def acount() -> int:
    return await arun(current_store().count(now_ms()))


def find(*, limit: int = 100, **values: Any) -> list[LiveSession]:
    """Live sessions whose indexed variables have these values; any, where none is given.

    Raise ValueError for a variable that is not declared ``indexed``.
    """
    return run(_finding(values, limit))


async def afind(*, limit: int = 100, **values: Any) -> list[LiveSession]:
    return await arun(_finding(values, limit))


def value(name: str, handle: str) -> Any:
    """A shared variable of another session; None where there is no such session or variable.

    Raise ValueError for a variable that is not declared ``shared``.
    """
    return run(_looking(name, handle))


async def avalue(name: str, handle: str) -> Any:
    return await arun(_looking(name, handle))


def devices(user: Any, *, limit: int = 100) -> list[LiveSession]:
    """The sessions that a person is signed in with."""
    return run(_finding({OWNER: str(user.pk)}, limit))


async def adevices(user: Any, *, limit: int = 100) -> list[LiveSession]:
    return await arun(_finding({OWNER: str(user.pk)}, limit))


def end(handle: str) -> None:
    """End a session for good."""
    run(current_store().delete(handle, "ended", now_ms()))


async def aend(handle: str) -> None:
    await arun(current_store().delete(handle, "ended", now_ms()))


def end_everywhere(user: Any, *, spare: Exchange | None = None) -> int:
    """Sign a person out everywhere, but in the session ``spare``; return how many sessions ended. One step."""
    return run(_ending(user, spare))


async def aend_everywhere(user: Any, *, spare: Exchange | None = None) -> int:
    return await arun(_ending(user, spare))


def _finding(values: Mapping[str, Any], limit: int) -> Steps[list[LiveSession]]:
    texts = {name: codec.encode(name, value) for name, value in values.items()}
    found = yield from current_store().find(texts, now_ms(), limit)
    return [shown(one) for one in found]


def _looking(name: str, handle: str) -> Steps[Any]:
    if not declared(name).shared:
        raise ValueError(
            f'{name!r} is not shared. Declare it: SESSIONS_FARM["VARIABLES"] = {{"{name}": {{"shared": True}}}}.'
        )
    found = yield from current_store().look([handle], now_ms())
    return shown(found[0]).shared.get(name) if found else None


def _ending(user: Any, spare: Exchange | None) -> Steps[int]:
    kept = spare.key_hash if spare is not None else ""
    owner = codec.encode(OWNER, str(user.pk))
    return (yield from current_store().end_where(OWNER, owner, kept, "ended", now_ms()))


def shown(found: Found) -> LiveSession:
    header = found.header
    created, seen, expires = (as_time(moment) for moment in (header.created, header.seen, header.expires))
    return LiveSession(found.key, created, seen, expires, dict(decoded(found.shared.items())))


def decoded(texts: Iterable[tuple[str, str]]) -> Iterable[tuple[str, Any]]:
    """Names and values; one whose time has gone is not there."""
    for name, text in texts:
        if not options().variables.of(name).ttl:
            yield name, codec.decode(text)
        elif is_fresh(text):
            yield name, opened(text)


def as_time(milliseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
