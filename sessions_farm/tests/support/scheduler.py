"""Threads that take turns by a seed: who goes on is decided at every trip to a server, and one goes at a time.

The trips are caught at the drivers: Django's ``execute_wrapper`` for SQL, redis-py's ``execute_command`` and our
scripts' ``execute``, the audit events and ``fcntl.flock`` of files in one folder. So the order of any two trips of two
requests can be had, and the same seed gives the same order again.

Where a request may hold locks in SQL (after a transaction's first statement) it keeps its turn: whoever came then would
wait for it in the server, where this cannot see it. A wait for a file's lock is seen, and gives the turn away.
"""

from __future__ import annotations

import fcntl
import random
import sys
import threading
from contextlib import contextmanager

import redis
from django.db import connection, connections

from sessions_farm.stores.redis import client as redis_client

FILE_EVENTS = {"open", "os.rename", "os.remove", "os.link", "os.truncate", "os.mkdir", "os.rmdir", "os.scandir"}
PATIENCE = 60  # seconds without a turn's end: then something waits where it cannot be seen


class StuckError(AssertionError):
    """The one whose turn it is waits for another."""


class Stage:
    """``size`` threads that live as long as the stage, so that their connections do.

    ``play(seed, acts)`` runs one act in each thread and returns when all have ended. ``trace`` is what happened: who
    made which trip, in the order of the trips.
    """

    def __init__(self, size, folder=""):
        self.folder = str(folder)
        self.turns = [threading.Semaphore(0) for _ in range(size)]
        self.curtain = threading.Semaphore(0)
        self.acts = [None] * size
        self.faults, self.trace, self.playing = [], [], set()
        self.mine = threading.local()
        self.trips = {"redis": 0, "sql": 0, "file": 0}
        self.threads = [threading.Thread(target=self._live, args=(place,), daemon=True) for place in range(size)]
        for thread in self.threads:
            thread.start()

    def play(self, seed, acts):
        self.random = random.Random(f"turns of {seed}")
        self.trace, self.faults = [], []
        self.acts[: len(acts)] = acts
        self.playing = set(range(len(acts)))
        self._go_on(self._next())
        if not self.curtain.acquire(timeout=PATIENCE):
            raise StuckError(f"seed {seed}: nobody goes on after {self.trace[-5:]}")
        if self.faults:
            raise self.faults[0]

    def pass_on(self, what, *, waits=False):
        """Let the seed say who goes on; return when it is this thread's turn again. No actor: return at once."""
        place = getattr(self.mine, "place", None)
        if place is None:
            return
        following = self._next(but=place if waits else None)
        if following != place:
            self._go_on(following)
            self.turns[place].acquire()
        self.trace.append((place, what))

    def close(self):
        self.acts = [None] * len(self.acts)
        for turn in self.turns:
            turn.release()
        for thread in self.threads:
            thread.join(timeout=10)

    @contextmanager
    def caught(self):
        """Trips end turns inside the block."""
        real = {"redis": redis.Redis.execute_command, "execute": redis_client.execute, "flock": fcntl.flock}

        def execute_command(client, *arguments, **options):
            self._command(str(arguments[0]))
            return real["redis"](client, *arguments, **options)

        def execute(client, name, *words):
            self._command(name.decode())
            return real["execute"](client, name, *words)

        def flock(file, operation):
            return self._flock(real["flock"], file, operation)

        _listening.append(self)
        redis.Redis.execute_command, redis_client.execute, fcntl.flock = execute_command, execute, flock
        try:
            yield self
        finally:
            redis.Redis.execute_command, redis_client.execute, fcntl.flock = (
                real["redis"],
                real["execute"],
                real["flock"],
            )
            _listening.remove(self)

    def _live(self, place):
        self.mine.place, self.mine.locks = place, False
        try:
            while True:
                self.turns[place].acquire()
                act, self.acts[place] = self.acts[place], None
                if act is None:
                    return
                self._perform(act)
                self.playing.discard(place)
                following = self._next()
                self.curtain.release() if following is None else self._go_on(following)
        finally:
            connections.close_all()

    def _perform(self, act):
        try:
            with connection.execute_wrapper(self._statement):
                act()
        except BaseException as error:  # noqa: BLE001 -- raised again in the test's own thread
            self.faults.append(error)

    def _next(self, but=None):
        able = sorted(self.playing - {but}) or sorted(self.playing)
        return self.random.choice(able) if able else None

    def _go_on(self, place):
        self.turns[place].release()

    def _trip(self, kind, what):
        if getattr(self.mine, "place", None) is not None:
            self.trips[kind] += 1
            self.pass_on(f"{kind}: {what}")

    def _command(self, name):
        """A script that Redis knows not yet is loaded and sent again: one turn with the first try, as ever after."""
        loads = name.startswith("SCRIPT")
        if not loads and not getattr(self.mine, "loads", False):
            self._trip("redis", name)
        self.mine.loads = loads

    def _statement(self, execute, statement, parameters, many, context):
        line = context["connection"]
        if not line.in_atomic_block:
            self.mine.locks = False
        if not self.mine.locks:
            self.mine.locks = line.in_atomic_block
            if line.in_atomic_block:
                line.on_commit(self._unlocked)
            if not line.in_atomic_block or line.vendor == "postgresql":  # whose BEGIN holds nothing yet
                self._trip("sql", " ".join(str(statement).split())[:60])
        return execute(statement, parameters, many, context)

    def _unlocked(self):
        self.mine.locks = False

    def _flock(self, real, file, operation):
        if getattr(self.mine, "place", None) is None or operation & fcntl.LOCK_UN:
            return real(file, operation)
        self._trip("file", "flock")
        while True:
            try:
                return real(file, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                self.pass_on("waits for a file's lock", waits=True)
                if operation & fcntl.LOCK_NB:  # and will ask again, if it wants
                    raise

    def hear(self, event, arguments):
        if event in FILE_EVENTS and self.folder and str(arguments[0]).startswith(self.folder):
            self._trip("file", event)


_listening = []


def _hear(event, arguments):
    for stage in _listening or ():  # which is gone before the hook is, at the end of the process
        stage.hear(event, arguments)


# An audit hook is for the life of the process; it does nothing while no stage listens.
sys.addaudithook(_hear)
