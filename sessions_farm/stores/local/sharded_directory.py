"""A directory that several processes read and write: shards under locks, and atomic commits of several files.

A file is written beside its place first, and one rename puts it there: no file is ever half written. A commit of
several files first writes a record of its renames and removals to a write-ahead log, and the next process to lock the
shard recovers the commit of a killed one from it (redo logging; Gray and Reuter, "Transaction Processing", 1992). A
commit of several shards has its record in the log of each. It is decided once the record is in the first shard's log,
and recovery from any shard looks there.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from sessions_farm.stores.base import StoreUnavailableError

logger = logging.getLogger(__name__)

SHARDS = 16
LOG = "write-ahead.json"  # of a shard; at most one record, for its writers take turns
NEW_LOG = "write-ahead.new"
LAYOUT = {"layout": 1, "shards": SHARDS}
MARKER = "farm.json"
CLOCK = "clock"  # a file that is touched, to ask the file system for its time
QUARANTINE = "quarantine"
LOCK_WAIT = 5.0  # seconds; a holder needs less than a thousandth of it, unless it is stopped


@dataclass(frozen=True, slots=True)
class Put:
    """The content to write to a file."""

    text: str
    due: int  # Unix ms; the file's modification time, so that a sweep reads only files that are due


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A commit in the write-ahead log: for each place the staged file to rename to it, or '' to remove it."""

    id: str
    renames: dict[str, str]
    shards: list[str]


type Writes = dict[str, Put | None]  # by "shard/name"; None: to remove


class ShardedDirectory:
    """Files of sessions. Methods raise OSError, or StoreUnavailableError for a lock held too long; files stay whole."""

    def __init__(self, root: Path, *, sync: bool) -> None:
        self.root = root
        self._sync = sync
        self._is_made = False

    @contextmanager
    def locked(self, shards: Collection[str]) -> Iterator[Writes]:
        """Lock the shards, and recover them. Commit the writes that the caller collected, all or none."""
        self._require_made()
        wanted = set(shards)
        while True:
            with ExitStack() as locks:
                for shard in sorted(wanted):
                    locks.enter_context(self._lock(shard))
                records = [record for shard in sorted(wanted) if (record := self._logged(shard))]
                missing = {shard for record in records for shard in record.shards} - wanted
                if not missing:
                    for record in records:
                        self._recover(record)
                    writes: Writes = {}
                    yield writes
                    self._commit(writes)
                    return
            wanted |= missing

    def recover(self, shard: str) -> None:
        """Complete the commit of a killed process, so that the shard can be read without a lock."""
        self._require_made()
        if self._path(shard, LOG).exists():
            with self.locked([shard]):
                pass

    def read(self, place: str) -> str | None:
        try:
            return self._path(place).read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            self._path(place).with_name("lock").stat()  # a missing directory is an error, not an absent file
            return None

    def names(self, shard: str, kind: str, until: int | None = None) -> list[str]:
        """Return the sorted names of the files of one kind; with ``until`` (Unix ms) only of those that are due."""
        with os.scandir(self._path(shard)) as entries:
            mine = [entry for entry in entries if entry.name.startswith(kind)]
        if until is None:
            return sorted(entry.name for entry in mine)
        found = []
        for entry in mine:
            with contextlib.suppress(FileNotFoundError):
                if entry.stat().st_mtime_ns // 1_000_000 <= until:
                    found.append(entry.name)
        return sorted(found)

    def time_ms(self) -> int:
        """Return the time by the clock of the file system, which is a file server's where there is one."""
        self._require_made()
        place = self._path(CLOCK)
        place.touch(mode=0o600)
        return place.stat().st_mtime_ns // 1_000_000

    def quarantine(self, place: str) -> Path:
        """Copy an unreadable file for inspection; return the copy's path."""
        copy = self._path(QUARANTINE, f"{place.replace('/', '-')}.{time.time_ns()}")
        shutil.copyfile(self._path(place), copy)
        copy.chmod(0o600)
        return copy

    def _require_made(self) -> None:
        """Make the directory once, if its parent exists. Later a missing directory is an error."""
        if self._is_made:
            return
        if not self._path(MARKER).exists():
            self.root.mkdir(mode=0o700, exist_ok=True)
            self._make(QUARANTINE)
            with self._lock(QUARANTINE):  # against a race of several first processes
                for shard in SHARD_NAMES:
                    self._make(shard)
                self._write(f"{QUARANTINE}/{MARKER}", Put(json.dumps(LAYOUT), 0))
                self._path(QUARANTINE, MARKER).replace(self._path(MARKER))
        found = self._path(MARKER).read_text()
        if found != json.dumps(LAYOUT):
            raise ImproperlyConfigured(
                f"{self._path(MARKER)} says {found[:80]!r}: the sessions there are of another layout than {LAYOUT}. "
                'Give SESSIONS_FARM["FOLDER"] another folder.'
            )
        self._is_made = True

    def _make(self, name: str) -> None:
        self._path(name).mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(self._path(name, "lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))

    @contextmanager
    def _lock(self, shard: str) -> Iterator[None]:
        held = os.open(self._path(shard, "lock"), os.O_RDWR | os.O_CLOEXEC)
        try:
            until, rest = time.monotonic() + LOCK_WAIT, 0.0002
            while not lock_now(held):
                if time.monotonic() > until:
                    raise StoreUnavailableError(f"{self._path(shard, 'lock')} was held for {LOCK_WAIT:g} seconds.")
                time.sleep(rest)
                rest = min(2 * rest, 0.002)
            yield
        finally:
            os.close(held)  # this releases the lock

    def _commit(self, writes: Writes) -> None:
        if not writes:
            return
        record = LogRecord(secrets.token_hex(8), {}, sorted({shard_in(place) for place in writes}))
        try:
            for number, (place, put) in enumerate(writes.items()):
                record.renames[place] = self._stage(place, put, number)
            if len(writes) == 1:
                self._apply(record.renames)
                return
            for shard in reversed(record.shards):
                self._write(f"{shard}/{NEW_LOG}", Put(json.dumps(asdict(record)), 0))
            for shard in reversed(record.shards[1:]):
                self._path(shard, NEW_LOG).replace(self._path(shard, LOG))
        except OSError:
            self._abort(record)
            raise
        first = record.shards[0]
        self._path(first, NEW_LOG).replace(self._path(first, LOG))  # this decides the commit
        self._redo(record)

    def _abort(self, record: LogRecord) -> None:
        """Remove the staged files of a commit that was not decided: a full disk has their room again."""
        staged = [self._path(place) for place in record.renames.values() if place]
        for path in [*staged, *(self._path(shard, NEW_LOG) for shard in record.shards)]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _stage(self, place: str, put: Put | None, number: int) -> str:
        """Write the file beside its place, and return its name there, which the shard's lock reserves; '' to remove."""
        if put is None:
            return ""
        staged = f"{shard_in(place)}/new.{number}"
        self._write(staged, put)
        return staged

    def _apply(self, renames: dict[str, str]) -> None:
        """Rename and remove. This is idempotent: a file that is gone was renamed or removed before."""
        for place, staged in renames.items():
            with contextlib.suppress(FileNotFoundError):
                if staged:
                    self._path(staged).replace(self._path(place))
                else:
                    self._path(place).unlink()
        if self._sync:
            for shard in {shard_in(place) for place in renames}:
                self._sync_directory(shard)

    def _redo(self, record: LogRecord) -> None:
        self._apply(record.renames)
        for shard in record.shards:
            self._path(shard, LOG).unlink(missing_ok=True)

    def _recover(self, record: LogRecord) -> None:
        """Redo the commit if it was decided, which the log of its first shard shows; else drop its records."""
        if self._logged(record.shards[0]) == record:
            logger.warning("A change of sessions was interrupted and is completed from the write-ahead log.")
            self._redo(record)
            return
        for shard in record.shards:
            if self._logged(shard) == record:
                self._path(shard, LOG).unlink()

    def _logged(self, shard: str) -> LogRecord | None:
        """Return the record in a shard's log; quarantine one that cannot be read."""
        try:
            text = self._path(shard, LOG).read_text()
        except FileNotFoundError:
            return None
        try:
            return LogRecord(**json.loads(text))
        except (ValueError, TypeError):
            copy = self.quarantine(f"{shard}/{LOG}")
            self._path(shard, LOG).unlink()
            logger.error("The write-ahead log of the sessions' shard %s cannot be read; it is kept as %s.", shard, copy)  # noqa: TRY400 -- a trace says no more
            return None

    def _write(self, place: str, put: Put) -> None:
        path = self._path(place)
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(put.text.encode())
                file.flush()
                if self._sync:
                    os.fsync(file.fileno())
            if put.due:
                os.utime(path, ns=(put.due * 1_000_000, put.due * 1_000_000))
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)  # its room on a full disk
            raise

    def _sync_directory(self, shard: str) -> None:
        directory = os.open(self._path(shard), os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)


def lock_now(held: int) -> bool:
    """Lock an open file; return False where another process has locked it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


SHARD_NAMES = [f"{number:02x}" for number in range(SHARDS)]


def shard_of(digest: str) -> str:
    """Return the shard of a digest."""
    return SHARD_NAMES[int(digest[:2], 16) % SHARDS]


def shard_in(place: str) -> str:
    """Return the shard that a place is in."""
    return place.partition("/")[0]
