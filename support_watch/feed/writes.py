"""Writes of shoppers' pages: one Lua call each, with a short time-out behind a circuit breaker."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.exceptions import RedisError

from sessions_farm.stores.circuit_breaker import CircuitBreaker
from support_watch import limits
from support_watch.feed.connections import page_client
from support_watch.feed.scripts import root_key, source

breaker = CircuitBreaker(limits.BREAKER_SECONDS)


class FeedUnavailableError(Exception):
    """Redis did not answer in time, or the circuit breaker is open; the page is served without it."""


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    title: str

    def as_json(self) -> str:
        """Return the page as the JSON that the scripts store."""
        return json.dumps({"path": self.path, "title": self.title})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A visit's id; ``first`` if this request began it; ``at`` is its begin in ms."""

    visit: str
    first: bool
    at: int


def arrive(*, vendor_id: int, visit: str, tab: str, aliases: Sequence[str], page: Page) -> Arrival:
    """Record an opened page; ``visit`` is used where no alias has one. Raise FeedUnavailableError."""
    known, first, at = run(
        "arrive",
        vendor_id,
        [visit, tab, limits.TTL_MS, limits.IDLE_MS, limits.KEEP_EVENTS, page.as_json(), *aliases],
    )
    return Arrival(known, bool(first), int(at))


def beat(*, vendor_id: int, visit: str, tab: str, at: int, page: Page) -> None:
    """Record the heartbeat of an open page, which renews its presence. Raise FeedUnavailableError."""
    run("beat", vendor_id, [visit, tab, limits.TTL_MS, limits.KEEP_EVENTS, at, page.as_json()])


def leave(*, vendor_id: int, visit: str, tab: str) -> None:
    """Record that the tab closes. Raise FeedUnavailableError."""
    run("leave", vendor_id, [visit, tab, limits.GRACE_MS])


def relay(*, vendor_id: int, visit: str, alias: str, at: int, page: Page) -> int:
    """Deliver an arrival late; return the result of lua/relay.lua. Raise FeedUnavailableError."""
    entry = json.dumps({"path": page.path, "title": page.title, "at": at})
    return cast("int", run("relay", vendor_id, [visit, alias, limits.KEEP_EVENTS, entry]))


def run(name: str, vendor_id: int, arguments: Sequence[str | int]) -> Any:
    """Run a script through the circuit breaker; return its result. Raise FeedUnavailableError."""
    if not breaker.allow():
        raise FeedUnavailableError
    script = page_client().register_script(source(name))
    try:
        answer = script(keys=[root_key(vendor_id)], args=[new_epoch(), *arguments])
    except RedisError as error:
        breaker.record_failure()
        raise FeedUnavailableError from error
    if breaker.is_open:
        breaker.record_success()
    return answer


def new_epoch() -> str:
    """Return a random epoch, used where a vendor's stream has none."""
    return secrets.token_hex(4)
