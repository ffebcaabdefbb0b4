"""The feed's events as staff get them, read from stream entries."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from support_watch.visits import pseudonym

VERSION = 1

# The result of XREAD on a decoding connection with protocol 2; redis-py's own types allow for all other connections.
type Entry = tuple[str, dict[str, str]]
type Streams = list[tuple[str, list[Entry]]]


class Event(TypedDict):
    """One event: ``type`` is arrive, back, leave or expire; times are ms of Redis' clock; ``first``: announce it."""

    v: int
    vendor: int
    epoch: str
    seq: int
    type: str
    at: int
    since: int
    visit: str
    name: str
    first: bool
    late: bool
    page: dict[str, str]


class Visitor(TypedDict):
    """A present visitor: ``since`` is the begin of the visit."""

    visit: str
    name: str
    since: int
    page: dict[str, str]


def seq_of(entry_id: str) -> int:
    """Return the sequence number in a stream entry's id."""
    return int(entry_id.partition("-")[0])


def decode(vendor_id: int, entry_id: str, fields: dict[str, str]) -> Event:
    """Return the event in a stream entry."""
    data: dict[str, Any] = json.loads(fields["data"])
    late = bool(data.get("late"))
    return Event(
        v=VERSION,
        vendor=vendor_id,
        epoch=fields["epoch"],
        seq=seq_of(entry_id),
        type=fields["type"],
        at=int(fields["at"]),
        since=int(data.get("at", fields["at"])),
        visit=fields["visit"],
        name=pseudonym(fields["visit"]),
        first=fields["type"] == "arrive",
        late=late,
        page=page_of(data),
    )


def as_visitor(visit: str, values: str) -> Visitor:
    """Return the present visitor of a visit and its stored values (JSON)."""
    data: dict[str, Any] = json.loads(values)
    return Visitor(visit=visit, name=pseudonym(visit), since=int(data.get("at", 0)), page=page_of(data))


def page_of(data: dict[str, Any]) -> dict[str, str]:
    """Return the path and title in an entry's data."""
    return {"path": data.get("path", ""), "title": data.get("title", "")}
