"""Work that one process at a time does: under a lease of the session store, which no connection of a pooler holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sessions_farm.session.locks import LockTimeoutError, LockTimeouts, acquire_effects
from sessions_farm.stores import current_store
from sessions_farm.stores.effects.effects import run_sync


@contextmanager
def leased(name: str, seconds: float) -> Iterator[bool]:
    """Hold a lease while the block lasts; yield False, and hold none, where another process has it.

    A process that was killed keeps it for so many seconds; who works longer may be joined by another.
    """
    try:
        lock = run_sync(acquire_effects(current_store(), name, LockTimeouts(wait=0, lease=seconds)))
    except LockTimeoutError:
        yield False
        return
    try:
        yield True
    finally:
        run_sync(lock.release_effects())
