"""The write path: what a shopper's page tells Redis, one Lua call each, never waiting long."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from redis.exceptions import RedisError

from support_watch import limits
from support_watch.breaker import Breaker, Open
from support_watch.connections import writer
from support_watch.scripts import root_key, source

breaker = Breaker(limits.BREAKER_SECONDS, (RedisError,))


class FeedDown(Exception):
    """Redis did not answer in time, or the breaker is open; the page goes on without it."""


@dataclass(frozen=True, slots=True)
class Page:
    path: str
    title: str

    def as_json(self) -> str:
        return json.dumps({"path": self.path, "title": self.title})


@dataclass(frozen=True, slots=True)
class Arrival:
    """The visit that goes on; ``first`` where this request began it; ``at`` is its beginning in ms."""

    visit: str
    first: bool
    at: int


def arrive(*, vendor_id: int, visit: str, tab: str, aliases: Sequence[str], page: Page) -> Arrival:
    """Tell of a page that was opened; ``visit`` is used where no alias has one. Raise FeedDown."""
    known, first, at = run(
        "arrive",
        vendor_id,
        [visit, tab, limits.TTL_MS, limits.IDLE_MS, limits.KEEP_EVENTS, page.as_json(), *aliases],
    )
    return Arrival(known, bool(first), int(at))


def beat(*, vendor_id: int, visit: str, tab: str, at: int, page: Page) -> None:
    """Tell that the page is still open. Raise FeedDown."""
    run("beat", vendor_id, [visit, tab, limits.TTL_MS, limits.KEEP_EVENTS, at, page.as_json()])


def leave(*, vendor_id: int, visit: str, tab: str) -> None:
    """Tell that the tab closes. Raise FeedDown."""
    run("leave", vendor_id, [visit, tab, limits.GRACE_MS])


def relay(*, vendor_id: int, visit: str, alias: str, at: int, page: Page) -> int:
    """Tell late of an arrival; see lua/relay.lua for the answer. Raise FeedDown."""
    entry = json.dumps({"path": page.path, "title": page.title, "at": at})
    return cast("int", run("relay", vendor_id, [visit, alias, limits.KEEP_EVENTS, entry]))


def run(name: str, vendor_id: int, arguments: Sequence[str | int]) -> Any:
    script = writer().register_script(source(name))
    try:
        return breaker.call(lambda: script(keys=[root_key(vendor_id)], args=[new_epoch(), *arguments]))
    except (RedisError, Open) as error:
        raise FeedDown from error


def new_epoch() -> str:
    return secrets.token_hex(4)
