"""The feed's events as staff get them, read from stream entries."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from support_watch.visits import pseudonym

VERSION = 1

# The result of XREAD on a decoding connection with protocol 2; redis-py's own types allow for all other connections.
type Entry = tuple[str, dict[str, str]]
type Streams = list[tuple[str, list[Entry]]]


class Visitor(TypedDict):
    """A present visitor; times are ms of Redis' clock.

    ``since`` is the begin of the visit, ``page_since`` that of its page; ``state`` is active, idle or away; ``level``
    the consent, without which page and trail are empty.
    """

    visit: str
    name: str
    since: int
    level: int
    state: str
    tabs: int
    page: dict[str, str]
    page_since: int
    trail: list[dict[str, Any]]


class Event(Visitor):
    """One event; ``first``: announce it; ``by`` and ``note`` are of a claim.

    ``type`` is arrive, page, state, back, leave, expire, claim, release or redact.
    """

    v: int
    vendor: int
    epoch: str
    seq: int
    type: str
    at: int
    first: bool
    late: bool
    by: str
    note: str


def seq_of(entry_id: str) -> int:
    """Return the sequence number in a stream entry's id."""
    return int(entry_id.partition("-")[0])


def decode(vendor_id: int, entry_id: str, fields: dict[str, str]) -> Event:
    """Return the event in a stream entry."""
    data: dict[str, Any] = json.loads(fields["data"])
    return Event(
        **visitor_of(fields["visit"], {"at": int(fields["at"]), **data}),
        v=VERSION,
        vendor=vendor_id,
        epoch=fields["epoch"],
        seq=seq_of(entry_id),
        type=fields["type"],
        at=int(fields["at"]),
        first=fields["type"] == "arrive",
        late=bool(data.get("late")),
        by=data.get("by", ""),
        note=data.get("note", ""),
    )


def as_visitor(visit: str, values: str) -> Visitor:
    """Return the present visitor of a visit and its stored values (JSON)."""
    return visitor_of(visit, json.loads(values))


def visitor_of(visit: str, data: dict[str, Any]) -> Visitor:
    """Return the visitor in an entry's data."""
    level = int(data.get("level", 0))
    since = int(data.get("at", 0))
    return Visitor(
        visit=visit,
        name=pseudonym(visit, level),
        since=since,
        level=level,
        state=data.get("state", "active"),
        tabs=int(data.get("tabs", 1)),
        page={"path": data.get("path", ""), "title": data.get("title", "")},
        page_since=int(data.get("page_at", since)),
        trail=data.get("trail") or [],  # Lua writes an empty list as an empty object
    )
