"""Sessions in a directory that the nodes share: one JSON file each (XSession). For small farms that have files only.

A change merges variable by variable under the lock of a shard; a read takes no lock. Acknowledged changes survive the
kill of any process; with FOLDER_SYNC they survive a power failure too, and each change waits for the disk. A full disk
or a missing directory is StoreUnavailableError, and existing sessions stay. ``count``, ``find`` and ``end_where`` read
every session's file: good for thousands of sessions, not for more.

The directory's file system must have flock() over all nodes (NFS from version 4 has) and renames that replace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

from sessions_farm.stores.base import Reading, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import Blocking
from sessions_farm.stores.local.file_tables import FileTables
from sessions_farm.stores.local.formats import RECORDS, UnreadableFileError
from sessions_farm.stores.local.record_store import RecordStore
from sessions_farm.stores.local.records import digest_of, reading_of
from sessions_farm.stores.local.sharded_directory import SHARD_NAMES, ShardedDirectory, shard_in, shard_of

if TYPE_CHECKING:
    from sessions_farm.conf import Options
    from sessions_farm.stores.effects.effects import Effect, Effects


class FileStore(RecordStore):
    """The ``file`` store."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        if not options.folder:
            raise ImproperlyConfigured('The file store needs SESSIONS_FARM["FOLDER"]: a folder that all nodes share.')
        self._directory = ShardedDirectory(Path(options.folder), sync=options.folder_sync)

    @contextmanager
    def transaction(self, *digests: str) -> Iterator[FileTables]:
        shards = sorted({shard_of(digest) for digest in digests})
        with as_unavailable(), self._directory.locked(shards) as writes:
            yield FileTables.of(self._directory, shards, writes)

    def partitions(self) -> Iterator[AbstractContextManager[FileTables]]:
        return (self._shard(shard) for shard in SHARD_NAMES)

    def partitions_to_read(self) -> Iterator[AbstractContextManager[FileTables]]:
        return (self._shard_to_read(shard) for shard in SHARD_NAMES)

    def effect(self, work: Callable[[], Any]) -> Effect:
        return Blocking(work)

    def time_ms(self) -> int:
        with as_unavailable():
            return self._directory.time_ms()

    def load(self, key: str, now: int) -> Effects[Reading]:
        return (yield from self._counted(lambda: self._load(key, now)))

    def _load(self, key: str, now: int) -> Reading:
        """Load without a lock, unless the session is to be touched."""
        with suppress(UnreadableFileError), self._shard_to_read(shard_of(digest_of(key))) as tables:
            record = tables.records.get(key)
            if not (record and record.header and record.is_live(now) and record.header.is_due(now)):
                return reading_of(record, now)
        return self._do([key], self.rules.load, key, now)

    def _within[Answer](self, digests: Iterable[str], rule: Callable[..., Answer], *args: Any) -> Answer:
        digests = list(digests)
        while True:
            try:
                return super()._within(digests, rule, *args)
            except UnreadableFileError as error:
                self._quarantine(error)

    def _quarantine(self, found: UnreadableFileError) -> None:
        """Move an unreadable file to the quarantine; its session ends for good."""
        with self._shard(shard_in(found.place)) as tables:
            files = getattr(tables, found.table)
            try:
                files.get(found.key)  # another process may have won the race
            except UnreadableFileError:
                files.quarantine(found.place)
                if found.table == RECORDS.name:
                    self.rules.end_unreadable(tables, found.key, now_ms())

    @contextmanager
    def _shard(self, shard: str) -> Iterator[FileTables]:
        with as_unavailable(), self._directory.locked([shard]) as writes:
            yield FileTables.of(self._directory, [shard], writes)

    @contextmanager
    def _shard_to_read(self, shard: str) -> Iterator[FileTables]:
        with as_unavailable():
            self._directory.recover(shard)
            yield FileTables.of(self._directory, [shard], {})


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Raise StoreUnavailableError for an error of the file system."""
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(f"The directory of sessions cannot be used: {error}") from error
