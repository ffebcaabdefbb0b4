"""Who makes sessions and who tells of their ends, to be killed -9 at any moment (kept at it by ``keeper``)."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import threading
import time
from contextlib import suppress

from django.db import connection, transaction
from django.utils.module_loading import import_string

from sessions_farm import signals
from sessions_farm.session import events, sweeper
from sessions_farm.session.locks import LockTimeouts
from sessions_farm.stores import NAMED, current_store
from sessions_farm.stores.base import Change, Lifetime, StoreRefusedError, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support.named_stores import FARM_WIDE

EVERY = 0.1  # seconds from one sweep to the next
IDLE = (200, 1000)  # ms
HOUR = 3_600_000
KINDS = ("started", "rotated", "ended")


def load():
    """Have ready what the stores and Django would load at their first use, so that no child spends its life on that."""
    for name in FARM_WIDE:
        import_string(NAMED[name])
    assert connection.vendor


class Role:
    """``folder`` is shared with the test, which says there when nobody is to die any more, and when all is over."""

    def __init__(self, folder, me, seed):
        self.folder = folder
        self.path = folder / f"{me}.log"
        self.random = random.Random(seed)

    def is_there(self, sign):
        return (self.folder / sign).exists()

    def die_within(self, seconds):
        """At any moment of these, whatever is being done then; not once it is calm."""
        if not self.is_there("calm"):
            killer = threading.Timer(self.random.uniform(0, seconds), os.kill, [os.getpid(), signal.SIGKILL])
            killer.daemon = True
            killer.start()


class Producer(Role):
    """Starts sessions, rotates some and ends some; the others expire. Its log has what the store acknowledged."""

    def __init__(self, folder, me, seed, sessions):
        super().__init__(folder, me, seed)
        self.sessions = sessions

    def play(self):
        self.die_within(0.5)
        with self.path.open("ab", buffering=0) as self.file:
            self.file.write(b"\n")  # the one before may have died in a line
            while self.path.read_bytes().count(b'["started"') < self.sessions:
                with suppress(StoreRefusedError):  # on a slow machine it expires meanwhile
                    self.live_one()
                time.sleep(self.random.uniform(0, 0.01))
        die_once(self.path.with_suffix(".spared"))  # whom no other death has met: that of producers is certain too

    def live_one(self):
        store, key, now = current_store(), secrets.token_urlsafe(32), now_ms()
        life = Lifetime(self.random.randint(*IDLE), now + HOUR)
        self.log("started", key, run_sync(store.create(key, {"page": '"/tea"', "n": "1"}, life, now)).expires)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            old, key = key, secrets.token_urlsafe(32)
            header = run_sync(store.rotate(old, key, Change(put={"n": "2"}), now_ms(), 0))
            self.log("rotated", old, header.expires, key)
        if self.random.random() < 0.4:
            run_sync(store.delete(key, "ended", now_ms()))
            self.log("ended", key, now_ms())

    def log(self, *words):
        self.file.write(json.dumps(words).encode() + b"\n")


class Consumer(Role):
    """Sweeps, and writes a row for each event that it hears.

    ``way`` is how events are told, ``lease`` the sweeper's, or for None the usual one. A short lease ends under who has
    it: others tell beside it, and go on at once when it dies.
    """

    def __init__(self, folder, me, seed, way, lease):
        super().__init__(folder, me, seed)
        self.way, self.lease = way, lease
        self.dies_in = self.random.choice([0, 1, 1, 2, 4, 8])  # its delivery of that number; 0: anywhere

    def play(self):
        """Most of those who die do so in a delivery or right after it: that is where most can go wrong."""
        events.deliver_events = self.deadly(WAYS[self.way])
        events.current_store = lambda: DeadlyStore(current_store(), self.path)
        if self.lease:
            sweeper.TIMEOUTS = LockTimeouts(wait=0, lease=self.lease)
        for kind in KINDS:
            getattr(signals, f"session_{kind}").connect(self.receiver(kind), weak=False)
        if not self.dies_in:
            self.die_within(1)
        while not self.is_there("over"):
            sweeper.sweep()
            time.sleep(EVERY)

    def receiver(self, kind):
        def receive(*, handle, at, reason, other, **_more):
            with connection.cursor() as cursor:
                row = [kind, handle, other, reason, at, now_ms()]
                cursor.execute("INSERT INTO heard VALUES (%s, %s, %s, %s, %s, %s)", row)
            if self.is_first:
                self.is_first = False
                self.dies_in -= 1
                if self.dies_in == 0:
                    self.die_within(0.01)

        return receive

    def deadly(self, deliver):
        def delivering(limit):
            self.is_first = True
            return deliver(limit)

        return delivering


class DeadlyStore:
    """A store that kills who forgets events through it, once before the forgetting and once after it.

    A file beside ``path`` notes each, whatever else the process dies of: a consumer meets both deaths for certain.
    """

    def __init__(self, store, path):
        self.store, self.path = store, path

    def __getattr__(self, name):
        return getattr(self.store, name)

    def forget_events(self, ids):
        ids = list(ids)
        if ids:
            die_once(self.path.with_suffix(".before"))
        answer = yield from self.store.forget_events(ids)
        if ids:
            die_once(self.path.with_suffix(".after"))
        return answer


def die_once(note):
    """At the first call with this note, which stays."""
    with suppress(FileExistsError):
        note.touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)


def forget_first(limit):
    """A control: what is forgotten before it is told, nobody hears where the teller dies in between."""
    found = run_sync(events.current_store().read_events(limit))
    run_sync(events.current_store().forget_events([event.id for event in found]))
    with transaction.atomic():
        for event in found:
            events.send_signals(event)
    return len(found)


def tell_outside(limit):
    """A control: what is told outside the transaction of the note is told again by who comes after the dead."""
    found = run_sync(events.current_store().read_events(limit))
    for event in found:
        events.send_signals(event)
    run_sync(events.current_store().forget_events([event.id for event in found]))
    return len(found)


WAYS = {"sound": events.deliver_events, "forget_first": forget_first, "tell_outside": tell_outside}
ROLES = {"produce": Producer, "consume": Consumer}
