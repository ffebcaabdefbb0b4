"""How records, leases, codes, events and changes stand in files: one JSON object each, with the key it is of."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from typing import Any

from sessions_farm.stores.base import Event, Header, VariableChange
from sessions_farm.stores.local.records import Code, Lease, Record


class UnreadableFileError(Exception):
    """A file of ours says what we have not written."""

    def __init__(self, place: str, form: str, key: str) -> None:
        super().__init__(place)
        self.place = place
        self.form = form
        self.key = key


@dataclass(frozen=True, slots=True)
class Form[Item]:
    """``name`` is the shelf's. ``by_id``: the key names the file; else its digest does."""

    name: str
    to_json: Callable[[Item], Any]
    of_json: Callable[[Any], Item]
    by_id: bool = False

    def closed(self, key: str, value: Item) -> str:
        return json.dumps({"key": key, "value": self.to_json(value)}, separators=(",", ":"))

    def opened(self, text: str) -> tuple[str, Item]:
        """The key and what is under it. Raise ValueError, TypeError, KeyError or AttributeError for another content."""
        content = json.loads(text)
        return whole(str, content["key"]), self.of_json(content["value"])


def record_to_json(record: Record) -> Any:
    return {
        "header": list(astuple(record.header)) if record.header else None,
        "variables": dict(record.variables),
        "idempotency_keys": record.idempotency_keys,
        "until": record.until,
        "grace_until": record.grace_until,
    }


def record_of_json(content: Any) -> Record:
    header = content["header"]
    return Record(
        header=None if header is None else Header(*(whole(int, number) for number in header)),
        variables={name: whole(str, text) for name, text in content["variables"].items()},
        idempotency_keys=tuple(whole(str, each) for each in content["idempotency_keys"]),
        until=whole(int, content["until"]),
        grace_until=whole(int, content["grace_until"]),
    )


def whole[Item](kind: type[Item], value: Any) -> Item:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}.")
    return value


RECORDS = Form("records", record_to_json, record_of_json)
LEASES = Form[Lease]("leases", asdict, lambda content: Lease(whole(str, content["token"]), whole(int, content["ends"])))
CODES = Form[Code]("codes", asdict, lambda content: Code(whole(str, content["payload"]), whole(int, content["until"])))
FEEDS = Form[int]("feeds", int, lambda content: whole(int, content))
EVENTS = Form[Event]("events", asdict, lambda content: Event(**content), by_id=True)
CHANGES = Form[VariableChange]("changes", asdict, lambda content: VariableChange(**content), by_id=True)
