"""File formats of records, leases, codes, events and changes: a JSON object each, with its key."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from typing import Any

from sessions_farm.stores.base import Event, Header, VariableChange
from sessions_farm.stores.local.records import Code, Lease, Record


class UnreadableFileError(Exception):
    """A file of the store does not have the content that the store wrote."""

    def __init__(self, place: str, table: str, key: str) -> None:
        super().__init__(place)
        self.place = place
        self.table = table
        self.key = key


@dataclass(frozen=True, slots=True)
class FileFormat[Item]:
    """The format of one table, which has its ``name``. ``by_id``: the key names the file; else its digest does."""

    name: str
    to_json: Callable[[Item], Any]
    of_json: Callable[[Any], Item]
    by_id: bool = False

    def dump(self, key: str, value: Item) -> str:
        """Return the text of a file."""
        return json.dumps({"key": key, "value": self.to_json(value)}, separators=(",", ":"))

    def load(self, text: str) -> tuple[str, Item]:
        """Return key and value. Raise ValueError, TypeError, KeyError or AttributeError for another content."""
        content = json.loads(text)
        return typed(str, content["key"]), self.of_json(content["value"])


def record_to_json(record: Record) -> Any:
    return {
        "header": list(astuple(record.header)) if record.header else None,
        "variables": dict(record.variables),
        "idempotency_keys": record.idempotency_keys,
        "until": record.until,
        "grace_until": record.grace_until,
        "successor": record.successor,
    }


def record_of_json(content: Any) -> Record:
    header = content["header"]
    return Record(
        header=None if header is None else Header(*(typed(int, number) for number in header)),
        variables={name: typed(str, text) for name, text in content["variables"].items()},
        idempotency_keys=tuple(typed(str, each) for each in content["idempotency_keys"]),
        until=typed(int, content["until"]),
        grace_until=typed(int, content["grace_until"]),
        successor=typed(str, content["successor"]),
    )


def typed[Item](kind: type[Item], value: Any) -> Item:
    """Return a value of a type; raise TypeError for one of another type."""
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}.")
    return value


RECORDS = FileFormat("records", record_to_json, record_of_json)
LEASES = FileFormat[Lease](
    "leases", asdict, lambda content: Lease(typed(str, content["token"]), typed(int, content["ends"]))
)
CODES = FileFormat[Code](
    "codes", asdict, lambda content: Code(typed(str, content["payload"]), typed(int, content["until"]))
)
FEEDS = FileFormat[int]("feeds", int, lambda content: typed(int, content))
EVENTS = FileFormat[Event]("events", asdict, lambda content: Event(**content), by_id=True)
CHANGES = FileFormat[VariableChange]("changes", asdict, lambda content: VariableChange(**content), by_id=True)
