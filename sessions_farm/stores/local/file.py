"""Sessions in a folder that the nodes share: one JSON file each (XSession). For small farms that have files only.

A change merges variable by variable under the lock of a shard; a read takes no lock. What was acknowledged survives
whoever is killed; with FOLDER_SYNC it survives a power failure too, and each change waits for the disk. A full disk, or
a folder that has gone, is StoreUnavailable, and what was there stays. ``count``, ``find`` and ``end_where`` read every
session's file: good for thousands of sessions, not for more.

The folder's file system must have flock() over all nodes (NFS from version 4 has) and renames that replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from sessions_farm.stores.base import Reading, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import Blocking
from sessions_farm.stores.local.file_shelf import FileShelf
from sessions_farm.stores.local.folder import SHARD_NAMES, Folder, shard_in, shard_of
from sessions_farm.stores.local.formats import RECORDS, UnreadableFileError
from sessions_farm.stores.local.record_store import RecordStore
from sessions_farm.stores.local.records import digest_of, reading_of

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effect, Effects


class FileStore(RecordStore):
    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.folder:
            raise ImproperlyConfigured('The file store needs SESSIONS_FARM["FOLDER"]: a folder that all nodes share.')
        self._folder = Folder(Path(options.folder), sync=options.folder_sync)

    @contextmanager
    def alone(self, *digests: str) -> Iterator[FileShelf]:
        shards = sorted({shard_of(digest) for digest in digests})
        with failures_told(), self._folder.locked(shards) as writes:
            yield FileShelf.of(self._folder, shards, writes)

    def shelves(self) -> Iterator[AbstractContextManager[FileShelf]]:
        return (self._shard(shard) for shard in SHARD_NAMES)

    def shelves_to_read(self) -> Iterator[AbstractContextManager[FileShelf]]:
        return (self._shard_to_read(shard) for shard in SHARD_NAMES)

    def step(self, work: Callable[[], Any]) -> Effect:
        return Blocking(work)

    def load(self, key: str, now: int) -> Effects[Reading]:
        return (yield from self._counted(lambda: self._load(key, now)))

    def _load(self, key: str, now: int) -> Reading:
        """Without a lock, unless the session is to be touched."""
        with suppress(UnreadableFileError), self._shard_to_read(shard_of(digest_of(key))) as shelf:
            record = shelf.records.get(key)
            if not (record and record.header and record.is_live(now) and record.header.is_due(now)):
                return reading_of(record, now)
        return self._do([key], self.rules.load, key, now)

    def _within[Answer](self, digests: Iterable[str], rule: Callable[..., Answer], *args: Any) -> Answer:
        digests = list(digests)
        while True:
            try:
                return super()._within(digests, rule, *args)
            except UnreadableFileError as error:
                self._put_aside(error)

    def _put_aside(self, found: UnreadableFileError) -> None:
        """A file that cannot be read is kept for somebody to look at; its session has ended for good."""
        with self._shard(shard_in(found.place)) as shelf:
            files = getattr(shelf, found.form)
            try:
                files.get(found.key)  # is somebody else faster?
            except UnreadableFileError:
                files.put_aside(found.place)
                if found.form == RECORDS.name:
                    self.rules.bury_unreadable(shelf, found.key, now_ms())

    @contextmanager
    def _shard(self, shard: str) -> Iterator[FileShelf]:
        with failures_told(), self._folder.locked([shard]) as writes:
            yield FileShelf.of(self._folder, [shard], writes)

    @contextmanager
    def _shard_to_read(self, shard: str) -> Iterator[FileShelf]:
        with failures_told():
            self._folder.settle(shard)
            yield FileShelf.of(self._folder, [shard], {})


@contextmanager
def failures_told() -> Iterator[None]:
    """Raise StoreUnavailable for whatever keeps files from being read or written."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(f"The folder of sessions cannot be used: {error}") from error
