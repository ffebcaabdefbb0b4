"""Sessions in this process's memory: for tests and single processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sessions_farm.stores.base import Event, VariableChange
from sessions_farm.stores.effects.effects import InPlace
from sessions_farm.stores.local.record_store import RecordStore
from sessions_farm.stores.local.records import Code, Kept, Lease, Record, Shelf, Value, due_of

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effect


class Dictionary[Item: Value](Kept[Item]):
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
class MemoryShelf:
    records: Dictionary[Record] = field(default_factory=Dictionary)
    events: Dictionary[Event] = field(default_factory=Dictionary)
    feeds: Dictionary[int] = field(default_factory=Dictionary)
    changes: Dictionary[VariableChange] = field(default_factory=Dictionary)
    leases: Dictionary[Lease] = field(default_factory=Dictionary)
    codes: Dictionary[Code] = field(default_factory=Dictionary)


class MemoryStore(RecordStore):
    """One shelf and one lock. The rules refuse before they write, so a step that is refused has done nothing."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._lock = threading.Lock()
        self._shelf = MemoryShelf()

    @contextmanager
    def alone(self, *_digests: str) -> Iterator[Shelf]:
        with self._lock:
            yield self._shelf

    def shelves(self) -> Iterator[AbstractContextManager[Shelf]]:
        yield self.alone()

    shelves_to_read = shelves

    def step(self, work: Callable[[], Any]) -> Effect:
        return InPlace(work)
