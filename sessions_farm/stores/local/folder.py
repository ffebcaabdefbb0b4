"""A folder that several processes read and write: shards under locks, and steps of several files that happen whole.

What is to be written lies beside its place first; one rename puts it there, so no file is ever half written. A step of
several files says in a journal what it is about to rename and remove; whoever gets the lock next finishes the step of
one who was killed at it (redo logging; Gray and Reuter, "Transaction Processing", 1992). A step of several shards has
its journal in each, and counts from the moment it is in the first of them, which is where all others look.
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
LAYOUT = {"layout": 1, "shards": SHARDS}
MARKER = "farm.json"
ASIDE = "aside"
LOCK_WAIT = 5.0  # seconds; a holder needs less than a thousandth of it, unless it is stopped


@dataclass(frozen=True, slots=True)
class Put:
    text: str
    due: int  # Unix ms; the file's time, so that a sweep need not read it before


@dataclass(frozen=True, slots=True)
class Journal:
    """For each place the staged file that is to be renamed to it; '' where the file is to be removed."""

    id: str
    steps: dict[str, str]
    shards: list[str]


type Writes = dict[str, Put | None]  # by "shard/name"; None: to remove


class Folder:
    """Raise StoreUnavailable where the folder cannot be read or written as it should; what was there stays."""

    def __init__(self, root: Path, *, sync: bool) -> None:
        self.root = root
        self._sync = sync
        self._is_made = False

    @contextmanager
    def locked(self, shards: Collection[str]) -> Iterator[Writes]:
        """The shards for this caller alone. What it puts into the writes takes place at the end, all or nothing."""
        self._require_made()
        wanted = set(shards)
        while True:
            with ExitStack() as locks:
                for shard in sorted(wanted):
                    locks.enter_context(self._lock(shard))
                journals = [journal for shard in sorted(wanted) if (journal := self._journal(shard))]
                missing = {shard for journal in journals for shard in journal.shards} - wanted
                if not missing:
                    for journal in journals:
                        self._settle(journal)
                    writes: Writes = {}
                    yield writes
                    self._commit(writes)
                    return
            wanted |= missing

    def settle(self, shard: str) -> None:
        """Finish what somebody who was killed had begun, so that the shard can be read without a lock."""
        self._require_made()
        if self._path(shard, "journal").exists():
            with self.locked([shard]):
                pass

    def read(self, place: str) -> str | None:
        try:
            return self._path(place).read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            self._path(place).with_name("lock").stat()  # or the folder has gone, and that is no answer
            return None

    def names(self, shard: str, kind: str, until: int | None = None) -> list[str]:
        """Of the files of one kind, or of those that are due; in order."""
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

    def keep_aside(self, place: str) -> Path:
        """A copy of a file that nobody can read, for somebody to look at."""
        aside = self._path(ASIDE, f"{place.replace('/', '-')}.{time.time_ns()}")
        shutil.copyfile(self._path(place), aside)
        aside.chmod(0o600)
        return aside

    def _require_made(self) -> None:
        """Make the folder at first, if its parent is there; later it is there or it is away."""
        if self._is_made:
            return
        if not self._path(MARKER).exists():
            self.root.mkdir(mode=0o700, exist_ok=True)
            self._make(ASIDE)
            with self._lock(ASIDE):  # several processes may be the first
                for shard in SHARD_NAMES:
                    self._make(shard)
                self._write(f"{ASIDE}/{MARKER}", Put(json.dumps(LAYOUT), 0))
                self._path(ASIDE, MARKER).replace(self._path(MARKER))
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
            while not take(held):
                if time.monotonic() > until:
                    raise StoreUnavailableError(f"{self._path(shard, 'lock')} was held for {LOCK_WAIT:g} seconds.")
                time.sleep(rest)
                rest = min(2 * rest, 0.002)
            yield
        finally:
            os.close(held)  # and so the lock is given back

    def _commit(self, writes: Writes) -> None:
        if not writes:
            return
        journal = Journal(secrets.token_hex(8), {}, sorted({shard_in(place) for place in writes}))
        try:
            for number, (place, put) in enumerate(writes.items()):
                journal.steps[place] = self._staged(place, put, number)
            if len(writes) == 1:
                self._apply(journal.steps)
                return
            for shard in reversed(journal.shards):
                self._write(f"{shard}/journal.new", Put(json.dumps(asdict(journal)), 0))
            for shard in reversed(journal.shards[1:]):
                self._path(shard, "journal.new").replace(self._path(shard, "journal"))
        except OSError:
            self._forget(journal)
            raise
        first = journal.shards[0]
        self._path(first, "journal.new").replace(self._path(first, "journal"))
        self._finish(journal)

    def _forget(self, journal: Journal) -> None:
        """It was not decided: give a full disk its room back."""
        staged = [self._path(place) for place in journal.steps.values() if place]
        for path in [*staged, *(self._path(shard, "journal.new") for shard in journal.shards)]:
            with contextlib.suppress(OSError):
                path.unlink()

    def _staged(self, place: str, put: Put | None, number: int) -> str:
        """Where the text lies until it is renamed; under the shard's lock nobody else uses the name. '': to remove."""
        if put is None:
            return ""
        staged = f"{shard_in(place)}/new.{number}"
        self._write(staged, put)
        return staged

    def _apply(self, steps: dict[str, str]) -> None:
        """What was done before has nothing to rename or remove any more."""
        for place, staged in steps.items():
            with contextlib.suppress(FileNotFoundError):
                if staged:
                    self._path(staged).replace(self._path(place))
                else:
                    self._path(place).unlink()
        if self._sync:
            for shard in {shard_in(place) for place in steps}:
                self._sync_folder(shard)

    def _finish(self, journal: Journal) -> None:
        self._apply(journal.steps)
        for shard in journal.shards:
            self._path(shard, "journal").unlink(missing_ok=True)

    def _settle(self, journal: Journal) -> None:
        """Finish the step if it had been decided, that is if its first shard has the journal; else forget it."""
        if self._journal(journal.shards[0]) == journal:
            logger.warning("A change of sessions was interrupted and is finished now.")
            self._finish(journal)
            return
        for shard in journal.shards:
            if self._journal(shard) == journal:
                self._path(shard, "journal").unlink()

    def _journal(self, shard: str) -> Journal | None:
        try:
            text = self._path(shard, "journal").read_text()
        except FileNotFoundError:
            return None
        try:
            return Journal(**json.loads(text))
        except (ValueError, TypeError):
            aside = self.keep_aside(f"{shard}/journal")
            self._path(shard, "journal").unlink()
            logger.error("The journal of the sessions' shard %s cannot be read; it is kept as %s.", shard, aside)  # noqa: TRY400 -- a trace says no more
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
                path.unlink(missing_ok=True)  # a full disk has this room again
            raise

    def _sync_folder(self, shard: str) -> None:
        folder = os.open(self._path(shard), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)


def take(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


SHARD_NAMES = [f"{number:02x}" for number in range(SHARDS)]


def shard_of(digest: str) -> str:
    return SHARD_NAMES[int(digest[:2], 16) % SHARDS]


def shard_in(place: str) -> str:
    return place.partition("/")[0]
