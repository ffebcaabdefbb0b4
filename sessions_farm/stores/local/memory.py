"""Sessions in this process's memory: for tests and single processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import Event, VariableChange, now_ms
from sessions_farm.stores.effects.effects import InPlace
from sessions_farm.stores.local.record_store import RecordStore
from sessions_farm.stores.local.records import Code, Lease, Record, Table, Tables, Value, due_of

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effect


class MemoryTable[Item: Value](Table[Item]):
    """A table that is a dictionary."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}

    def __getitem__(self, key: str) -> Item:
        return self._items[key]

    def __setitem__(self, key: str, value: Item) -> None:
        self._items[key] = value

    def __delitem__(self, key: str) -> None:
        del self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def due(self, now: int) -> Iterable[str]:
        return [key for key, value in self.items() if due_of(value) <= now]


@dataclass(frozen=True, slots=True)
class MemoryTables:
    """All tables of a process."""

    records: MemoryTable[Record] = field(default_factory=MemoryTable)
    events: MemoryTable[Event] = field(default_factory=MemoryTable)
    feeds: MemoryTable[int] = field(default_factory=MemoryTable)
    changes: MemoryTable[VariableChange] = field(default_factory=MemoryTable)
    leases: MemoryTable[Lease] = field(default_factory=MemoryTable)
    codes: MemoryTable[Code] = field(default_factory=MemoryTable)


class MemoryStore(RecordStore):
    """One set of tables under one lock. The rules refuse before they write, so a refused change has changed nothing."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._lock = threading.Lock()
        self._tables = MemoryTables()
        self._stood_at = now_ms() - stopwatch_ms()

    def time_ms(self) -> int:
        """Return the time by a stopwatch: nobody sets it while the process runs."""
        return self._stood_at + stopwatch_ms()

    @contextmanager
    def transaction(self, *_digests: str) -> Iterator[Tables]:
        with self._lock:
            yield self._tables

    def partitions(self) -> Iterator[AbstractContextManager[Tables]]:
        yield self.transaction()

    partitions_to_read = partitions

    def effect(self, work: Callable[[], Any]) -> Effect:
        return InPlace(work)


def stopwatch_ms() -> int:
    """Return the milliseconds since some moment, the sleep of a machine included where it says so."""
    kind = getattr(time, "CLOCK_BOOTTIME", None)
    return (time.monotonic_ns() if kind is None else time.clock_gettime_ns(kind)) // 1_000_000
