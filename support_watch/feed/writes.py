"""Writes of shoppers' pages and their beacons: one Lua call each, with a time-out behind a circuit breaker."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import redis
from redis.exceptions import RedisError

from sessions_farm.stores.circuit_breaker import CircuitBreaker
from support_watch import limits
from support_watch.feed.connections import beacon_client, page_client
from support_watch.feed.scripts import root_key, source


class FeedUnavailableError(Exception):
    """Redis did not answer in time, or the circuit breaker is open; the page is served without it."""


@dataclass(frozen=True, slots=True)
class Link:
    """A way to Redis: its client, and the circuit breaker that spares whoever waits for it."""

    client: Callable[[], redis.Redis]
    breaker: CircuitBreaker


PAGES = Link(page_client, CircuitBreaker(limits.BREAKER_SECONDS))
BEACONS = Link(beacon_client, CircuitBreaker(limits.BREAKER_SECONDS))


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


def arrive(*, vendor_id: int, visit: str, tab: str, aliases: Sequence[str], page: Page, number: int = 0) -> Arrival:
    """Record an opened page; ``visit`` is used where no alias has one. Raise FeedUnavailableError.

    ``number`` is the tab's beacon that began the visit, 0 where its request did. See beat.
    """
    known, first, at = run(
        PAGES,
        "arrive",
        vendor_id,
        [
            *(visit, tab, number, limits.TTL_MS, limits.GRACE_MS, limits.IDLE_MS, limits.KEEP_EVENTS),
            *(page.as_json(), *aliases),
        ],
    )
    return Arrival(known, bool(first), int(at))


def beat(*, vendor_id: int, visit: str, tab: str, number: int, at: int, page: Page) -> None:
    """Record the heartbeat of an open page, which renews its presence. Raise FeedUnavailableError.

    ``number`` counts the tab's beacons: one that is overtaken by a later one, such as its leave, changes nothing.
    """
    run(BEACONS, "beat", vendor_id, [visit, tab, number, limits.TTL_MS, limits.KEEP_EVENTS, at, page.as_json()])


def leave(*, vendor_id: int, visit: str, tab: str, number: int) -> None:
    """Record that the tab closes; ``number`` as for beat. Raise FeedUnavailableError.

    ``visit`` is empty where the page was closed before it knew its visit.
    """
    run(BEACONS, "leave", vendor_id, [visit, tab, number, limits.TTL_MS, limits.GRACE_MS])


def relay(*, vendor_id: int, visit: str, alias: str, at: int, page: Page) -> int:
    """Deliver an arrival late; return the result of lua/relay.lua. Raise FeedUnavailableError."""
    entry = json.dumps({"path": page.path, "title": page.title, "at": at})
    return cast("int", run(PAGES, "relay", vendor_id, [visit, alias, limits.KEEP_EVENTS, entry]))


def run(link: Link, name: str, vendor_id: int, arguments: Sequence[str | int]) -> Any:
    """Run a script over a link; return its result. Raise FeedUnavailableError."""
    if not link.breaker.allow():
        raise FeedUnavailableError
    script = link.client().register_script(source(name))
    try:
        answer = script(keys=[root_key(vendor_id)], args=[new_epoch(), *arguments])
    except RedisError as error:
        link.breaker.record_failure()
        raise FeedUnavailableError from error
    if link.breaker.is_open:
        link.breaker.record_success()
    return answer


def new_epoch() -> str:
    """Return a random epoch, used where a vendor's stream has none."""
    return secrets.token_hex(4)
