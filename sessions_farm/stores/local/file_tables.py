"""Tables whose items are files in the shards of a directory: read one by one, written together at the commit."""

from __future__ import annotations

import logging
from collections.abc import ItemsView, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions_farm.stores.base import NEVER, Event, VariableChange
from sessions_farm.stores.local import formats
from sessions_farm.stores.local.formats import UnreadableFileError
from sessions_farm.stores.local.records import Code, Lease, Record, Table, Value, digest_in, digest_of, due_of
from sessions_farm.stores.local.sharded_directory import Put, shard_of

if TYPE_CHECKING:
    from sessions_farm.stores.local.formats import FileFormat
    from sessions_farm.stores.local.sharded_directory import ShardedDirectory, Writes

logger = logging.getLogger(__name__)


class FileTable[Item: Value](Table[Item]):
    """The files of one format in some shards. A single read sees uncommitted writes; an iteration sees committed files.

    A single read raises UnreadableFileError; an iteration skips such a file.
    """

    def __init__(
        self, file_format: FileFormat[Item], directory: ShardedDirectory, shards: Sequence[str], writes: Writes
    ) -> None:
        self._format = file_format
        self._directory = directory
        self._shards = shards
        self._writes = writes

    def __getitem__(self, key: str) -> Item:
        place = self._place(key)
        put = self._writes.get(place)
        text = put.text if put else None if place in self._writes else self._directory.read(place)
        if text is None:
            raise KeyError(key)
        found, value = self._parse(place, text, key)
        if found != key:
            raise UnreadableFileError(place, self._format.name, key)
        return value

    def __setitem__(self, key: str, value: Item) -> None:
        due = due_of(value)
        self._writes[self._place(key)] = Put(self._format.dump(key, value), 0 if due >= NEVER else due)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._writes[self._place(key)] = None

    def __iter__(self) -> Iterator[str]:
        if self._format.by_id:
            return (place.partition("-")[2] for place in self._places())
        return (key for key, _ in self.all())

    def __len__(self) -> int:
        return sum(1 for _ in self._places())

    def items(self) -> ItemsView[str, Item]:
        return FileItems(self)

    def due(self, now: int) -> Iterator[str]:
        """Yield the keys that are due, first by their files' dates, then by content; quarantine unreadable files."""
        for place in list(self._places(now)):
            try:
                found = self._read(place)
            except UnreadableFileError:
                self.quarantine(place)
                continue
            if found and due_of(found[1]) <= now:
                yield found[0]

    def all(self) -> Iterator[tuple[str, Item]]:
        for place in self._places():
            try:
                found = self._read(place)
            except UnreadableFileError:
                logger.warning("%s cannot be read and is skipped.", place)
                continue
            if found:
                yield found

    def quarantine(self, place: str) -> None:
        """Copy an unreadable file to the quarantine, and remove it at the commit."""
        copy = self._directory.quarantine(place)
        logger.error("The session file %s cannot be read; it is kept as %s for inspection.", place, copy)
        self._writes[place] = None

    def _read(self, place: str) -> tuple[str, Item] | None:
        text = self._directory.read(place)
        if text is None:  # removed since it was listed
            return None
        key, value = self._parse(place, text, "")
        if self._place(key) != place:
            raise UnreadableFileError(place, self._format.name, key)
        return key, value

    def _parse(self, place: str, text: str, key: str) -> tuple[str, Item]:
        try:
            return self._format.load(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UnreadableFileError(place, self._format.name, key) from error

    def _place(self, key: str) -> str:
        digest, name = (digest_in(key), key) if self._format.by_id else (digest_of(key),) * 2
        return f"{shard_of(digest)}/{self._format.name}-{name}"

    def _places(self, due: int | None = None) -> Iterator[str]:
        for shard in self._shards:
            for name in self._directory.names(shard, f"{self._format.name}-", due):
                yield f"{shard}/{name}"


class FileItems[Item: Value](ItemsView[str, Item]):
    """The items of a file table, each file read once."""

    def __init__(self, files: FileTable[Item]) -> None:
        super().__init__(files)
        self._files = files

    def __iter__(self) -> Iterator[tuple[str, Item]]:
        return self._files.all()


@dataclass(frozen=True, slots=True)
class FileTables:
    """All tables of some shards."""

    records: FileTable[Record]
    events: FileTable[Event]
    feeds: FileTable[int]
    changes: FileTable[VariableChange]
    leases: FileTable[Lease]
    codes: FileTable[Code]

    @classmethod
    def of(cls, directory: ShardedDirectory, shards: Sequence[str], writes: Writes) -> FileTables:
        """Return the tables of some shards."""
        place = (directory, shards, writes)
        return cls(
            FileTable(formats.RECORDS, *place),
            FileTable(formats.EVENTS, *place),
            FileTable(formats.FEEDS, *place),
            FileTable(formats.CHANGES, *place),
            FileTable(formats.LEASES, *place),
            FileTable(formats.CODES, *place),
        )
