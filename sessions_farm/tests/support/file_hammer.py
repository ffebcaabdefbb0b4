"""A process that uses a folder of sessions, to be killed, filled up or raced with (``python -m``)."""

from __future__ import annotations

import json
import os
import random
import resource
import secrets
import signal
import sys

from django.conf import settings

from sessions_farm.conf import Options
from sessions_farm.declarations import Declarations
from sessions_farm.stores.base import Change, Increment, Lifetime, StoreUnavailableError
from sessions_farm.stores.local.file import FileStore
from sessions_farm.tests.support.driven import Driven

BYTES = 20_000
HOUR, NOW = 3_600_000, 4_000_000_000_000
LIFE = Lifetime(HOUR, NOW + HOUR)


def store_in(folder):
    return Driven(FileStore(Options(folder=folder, variables=Declarations({"page": {"shared": True}}))))


def new_key():
    return secrets.token_urlsafe(32)


def count(folder, times):
    """Write a new variable, the same variable, and the same feed, each time."""
    store, name = store_in(folder), new_key()
    for number in range(int(times)):
        store.apply("shared", Change(put={f"{name}{number}": "1"}), NOW)
        store.modify("shared", Increment("n", 1), NOW)
        store.apply("shared", Change(put={"page": f'"{name}{number}"'}), NOW)


def live(folder):
    """Lead sessions from start to end until killed; print each call once it is acknowledged."""
    store = store_in(folder)
    while True:
        key, new = new_key(), new_key()
        store.create(key, {"n": "0", "page": "0"}, LIFE, NOW)
        say("created", key)
        for number in range(1, 4):
            store.apply(key, Change(put={"n": str(number), "page": str(number), f"v{number}": "1"}), NOW)
            say("wrote", key, number)
        if random.random() < 0.5:
            store.rotate(key, new, Change(put={"page": "9"}), NOW, 0)
            say("rotated", key, new)
            key = new
        if random.random() < 0.5:
            store.delete(key, "ended", NOW)
            say("deleted", key)


def crash(folder, stride, *variants):
    """Rotate a session and be killed before the first thing that this does to a file; to another, the second; …

    Each variant has a place and keys of its own for each of these points, or for every ``stride``-th of them.
    """
    number, died = 0, True
    while died:
        died = False
        for index, variant in enumerate(variants):
            point = number + index % int(stride)
            place = f"{point}-{variant}"
            store = store_in(f"{folder}/{place}")
            store.create(f"old-{place}", {"n": "1", "page": "1"}, LIFE, NOW)
            child = os.fork()
            if not child:
                die_before(point)
                store.rotate(f"old-{place}", f"new-{place}", Change(put={"n": "2", "page": "2"}), NOW, HOUR)
                os._exit(0)
            was_killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
            say(place, variant, was_killed)
            died = died or was_killed
        number += int(stride)


def die_before(number):
    """Kill this process at its next call but ``number`` that may change the folder."""
    left = [number]

    def count_down(event, arguments):
        changes = event in {"os.rename", "os.remove", "os.utime", "os.mkdir"}
        if changes or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

    sys.addaudithook(count_down)


def fill(folder):
    """Write sessions until there is no room; print the acknowledged ones."""
    store, refused = store_in(folder), 0
    while refused < 20:
        key = new_key()
        try:
            store.create(key, {"text": "x" * BYTES, "page": "1"}, LIFE, NOW)
        except StoreUnavailableError as error:
            refused += 1
            say("refused", str(error))
            continue
        say("created", key)


def fill_limited(folder):
    """Fill as ``fill`` does, with a limit on the size of files from the eleventh session on."""
    store = store_in(folder)
    for _ in range(10):
        key = new_key()
        store.create(key, {"text": "x" * BYTES, "page": "1"}, LIFE, NOW)
        say("created", key)
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES // 2, BYTES // 2))
    fill(folder)


def say(*words):
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    settings.configure()
    globals()[sys.argv[1]](*sys.argv[2:])
