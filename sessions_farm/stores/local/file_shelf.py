"""A shelf whose records are files of a folder's shards, read as they are asked for and written all together."""

from __future__ import annotations

import logging
from collections.abc import ItemsView, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions_farm.stores.base import NEVER, Event, VariableChange
from sessions_farm.stores.local import formats
from sessions_farm.stores.local.folder import Put, shard_of
from sessions_farm.stores.local.formats import UnreadableFileError
from sessions_farm.stores.local.records import Code, Kept, Lease, Record, Value, digest_of, due_of, place_of

if TYPE_CHECKING:
    from sessions_farm.stores.local.folder import Folder, Writes
    from sessions_farm.stores.local.formats import Form

logger = logging.getLogger(__name__)


class Files[Item: Value](Kept[Item]):
    """The files of one form in some shards. Single ones see what is to be written; a look at all sees what is there.

    Raise Unreadable for a file that is asked for; pass over it in a look at all.
    """

    def __init__(self, form: Form[Item], folder: Folder, shards: Sequence[str], writes: Writes) -> None:
        self._form = form
        self._folder = folder
        self._shards = shards
        self._writes = writes

    def __getitem__(self, key: str) -> Item:
        place = self._place(key)
        put = self._writes.get(place)
        text = put.text if put else None if place in self._writes else self._folder.read(place)
        if text is None:
            raise KeyError(key)
        found, value = self._opened(place, text, key)
        if found != key:
            raise UnreadableFileError(place, self._form.name, key)
        return value

    def __setitem__(self, key: str, value: Item) -> None:
        due = due_of(value)
        self._writes[self._place(key)] = Put(self._form.closed(key, value), 0 if due >= NEVER else due)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._writes[self._place(key)] = None

    def __iter__(self) -> Iterator[str]:
        if self._form.by_id:
            return (place.partition("-")[2] for place in self._places())
        return (key for key, _ in self.all())

    def __len__(self) -> int:
        return sum(1 for _ in self._places())

    def items(self) -> ItemsView[str, Item]:
        return FileItems(self)

    def due(self, now: int) -> Iterator[str]:
        """As dates of files say first, and their contents then. What cannot be read and is due goes aside."""
        for place in list(self._places(now)):
            try:
                found = self._read(place)
            except UnreadableFileError:
                self.put_aside(place)
                continue
            if found and due_of(found[1]) <= now:
                yield found[0]

    def all(self) -> Iterator[tuple[str, Item]]:
        for place in self._places():
            try:
                found = self._read(place)
            except UnreadableFileError:
                logger.warning("%s cannot be read, and so is passed over.", place)
                continue
            if found:
                yield found

    def put_aside(self, place: str) -> None:
        aside = self._folder.keep_aside(place)
        logger.error("The session file %s cannot be read; it is kept as %s for you to look at.", place, aside)
        self._writes[place] = None

    def _read(self, place: str) -> tuple[str, Item] | None:
        text = self._folder.read(place)
        if text is None:  # removed since it was listed
            return None
        key, value = self._opened(place, text, "")
        if self._place(key) != place:
            raise UnreadableFileError(place, self._form.name, key)
        return key, value

    def _opened(self, place: str, text: str, key: str) -> tuple[str, Item]:
        try:
            return self._form.opened(text)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UnreadableFileError(place, self._form.name, key) from error

    def _place(self, key: str) -> str:
        digest, name = (place_of(key), key) if self._form.by_id else (digest_of(key),) * 2
        return f"{shard_of(digest)}/{self._form.name}-{name}"

    def _places(self, due: int | None = None) -> Iterator[str]:
        for shard in self._shards:
            for name in self._folder.names(shard, f"{self._form.name}-", due):
                yield f"{shard}/{name}"


class FileItems[Item: Value](ItemsView[str, Item]):
    """Each file read once."""

    def __init__(self, files: Files[Item]) -> None:
        super().__init__(files)
        self._files = files

    def __iter__(self) -> Iterator[tuple[str, Item]]:
        return self._files.all()


@dataclass(frozen=True, slots=True)
class FileShelf:
    records: Files[Record]
    events: Files[Event]
    feeds: Files[int]
    changes: Files[VariableChange]
    leases: Files[Lease]
    codes: Files[Code]

    @classmethod
    def of(cls, folder: Folder, shards: Sequence[str], writes: Writes) -> FileShelf:
        place = (folder, shards, writes)
        return cls(
            Files(formats.RECORDS, *place),
            Files(formats.EVENTS, *place),
            Files(formats.FEEDS, *place),
            Files(formats.CHANGES, *place),
            Files(formats.LEASES, *place),
            Files(formats.CODES, *place),
        )
