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


PAGES = Link(page_client, CircuitBreaker(limits.BREAKER_SECONDS, name="feed"))
BEACONS = Link(beacon_client, CircuitBreaker(limits.BREAKER_SECONDS, name="feed"))


# A vendor's feed says nothing of people; changed permissions have a stream of the whole farm, read by the same reader.
ACCESS_STREAM = "watch:access"


@dataclass(frozen=True, slots=True)
class Page:
    """A page and what its request allows; the scripts keep path and title only with the visit's consent."""

    path: str
    title: str
    level: int = 1
    chosen: bool = False

    def as_json(self) -> str:
        """Return the page as the JSON that the scripts take."""
        return json.dumps({"path": self.path, "title": self.title, "level": self.level, "chosen": self.chosen})


@dataclass(frozen=True, slots=True)
class Arrival:
    """A visit's id; ``first`` if this request began it; ``at`` is its begin in ms; ``line`` is for the shopper."""

    visit: str
    first: bool
    at: int
    line: str


@dataclass(frozen=True, slots=True)
class Beacon:
    """One word of an open page; ``number`` counts the tab's beacons, ``state`` is active, idle or away."""

    vendor_id: int
    visit: str
    tab: str
    number: int
    state: str = "active"

    @property
    def ttl(self) -> int:
        """Return how long the tab counts without another word, in ms."""
        return limits.AWAY_TTL_MS if self.state == "away" else limits.TTL_MS


def arrive(
    *,
    vendor_id: int,
    visit: str,
    tab: str,
    aliases: Sequence[str],
    page: Page,
    number: int = 0,
    handle: str = "",
) -> Arrival:
    """Record an opened page; ``visit`` is used where no alias has one. Raise FeedUnavailableError.

    ``number`` is the tab's beacon that began the visit, 0 where its request did. See beat. ``handle`` names the
    session, for what its shopper lets staff see of it; it is kept only with consent.
    """
    known, first, at, line = run(
        PAGES,
        "arrive",
        vendor_id,
        [
            *(visit, tab, number, limits.TTL_MS, limits.GRACE_MS, limits.IDLE_MS, limits.KEEP_EVENTS),
            *(page.as_json(), handle if page.level else "", *aliases),
        ],
    )
    return Arrival(known, bool(first), int(at), line)


def beat(beacon: Beacon, *, at: int, page: Page, level: int | None = None) -> str | None:
    """Record the heartbeat of an open page, which renews its presence; return the line for its shopper.

    A beacon that is overtaken by a later one, such as its leave, changes nothing. None: the visit is not known (any
    more), and nothing was recorded; ``level``, what the shopper allows now, restores it. Raise FeedUnavailableError.
    """
    restoring = "" if level is None else str(level)
    shown = json.dumps({"path": page.path, "title": page.title})
    sender: list[str | int] = [beacon.visit, beacon.tab, beacon.number, beacon.ttl, limits.KEEP_EVENTS]
    found, line = run(BEACONS, "beat", beacon.vendor_id, [*sender, beacon.state, at, shown, restoring])
    return None if found < 0 else line


def leave(beacon: Beacon) -> None:
    """Record that the tab closes. Raise FeedUnavailableError.

    The visit is empty where the page was closed before it knew it.
    """
    arguments: list[str | int] = [beacon.visit, beacon.tab, beacon.number, limits.TTL_MS, limits.GRACE_MS]
    run(BEACONS, "leave", beacon.vendor_id, arguments)


def relay(*, vendor_id: int, visit: str, alias: str, at: int, page: Page) -> int:
    """Deliver an arrival late; return the result of lua/relay.lua. Raise FeedUnavailableError."""
    shown = {"path": page.path, "title": page.title} if page.level else {}
    entry = json.dumps({**shown, "level": page.level, "at": at})
    return cast("int", run(PAGES, "relay", vendor_id, [visit, alias, limits.KEEP_EVENTS, entry]))


def publish_claim(*, vendor_id: int, visit: str, by: str, note: str, line: str) -> None:
    """Tell every screen that a member of staff looks after a visit. Raise FeedUnavailableError."""
    run(BEACONS, "claim", vendor_id, ["claim", visit, limits.KEEP_EVENTS, by, note, line])


def publish_release(*, vendor_id: int, visit: str) -> None:
    """Tell every screen that a visit is free again. Raise FeedUnavailableError."""
    run(BEACONS, "claim", vendor_id, ["release", visit, limits.KEEP_EVENTS, "", "", ""])


def redact(*, vendor_id: int, visit: str) -> None:
    """Delete all that the feed knows of a visit but its presence. Raise FeedUnavailableError."""
    run(BEACONS, "redact", vendor_id, [visit, limits.KEEP_EVENTS])


def visit_of(*, vendor_id: int, aliases: Sequence[str]) -> str:
    """Return the visit that a shopper has at a vendor, '' for none. Raise FeedUnavailableError."""
    return cast("str", run(BEACONS, "visit_of", vendor_id, aliases))


def publish_access(*, user: str = "", session: str = "") -> None:
    """Let every screen of a user, or of a session (its handle), check its access now. Raise FeedUnavailableError."""
    fields: dict[Any, Any] = {"user": user, "session": session}
    perform(BEACONS, lambda client: client.xadd(ACCESS_STREAM, fields, maxlen=limits.KEEP_ACCESS_EVENTS))


def run(link: Link, name: str, vendor_id: int, arguments: Sequence[str | int]) -> Any:
    """Run a script over a link; return its result. Raise FeedUnavailableError."""
    keys = [root_key(vendor_id)]
    return perform(link, lambda client: client.register_script(source(name))(keys, [new_epoch(), *arguments]))


def perform(link: Link, command: Callable[[redis.Redis], Any]) -> Any:
    """Send a command over a link; return its result. Raise FeedUnavailableError."""
    if not link.breaker.allow():
        raise FeedUnavailableError
    try:
        answer = command(link.client())
    except RedisError as error:
        link.breaker.record_failure()
        raise FeedUnavailableError from error
    if link.breaker.is_open:
        link.breaker.record_success()
    return answer


def new_epoch() -> str:
    """Return a random epoch, used where a vendor's stream has none."""
    return secrets.token_hex(4)
