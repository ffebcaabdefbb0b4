"""Session locks: one request at a time for views that ask for it (PHP's and ASP.NET's lock).

Only such views wait for each other; all others read and write beside them. A lock is a lease: it ends by itself, so a
dead holder blocks nothing, and a holder who is later than that writes nothing: the store compares the token in the very
step that writes (a fencing token: Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sessions_farm.clock import now_ms
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.store_time import now_effects

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Leases, Store

logger = logging.getLogger(__name__)


class LockTimeoutError(Exception):
    """Another request held the lock for as long as this one was willing to wait."""


@dataclass(frozen=True, slots=True)
class LockTimeouts:
    """Seconds: how long to wait for the lock, and how long it is held at most."""

    wait: float = 10
    lease: float = 30


@dataclass(frozen=True, slots=True)
class SessionLock:
    store: Leases
    name: str
    token: str

    def extend_effects(self, timeouts: LockTimeouts) -> Effects[bool]:
        """Begin the lease anew; return False where the lock was lost."""
        return (yield from self.store.acquire(self.name, self.token, now_ms(), int(timeouts.lease * 1000)))

    def release_effects(self) -> Effects[None]:
        """Give the lock back, and wake one that waits."""
        try:
            if not (yield from self.store.release(self.name, self.token)):
                logger.warning("%s… was held longer than its lock: others may have written meanwhile.", self.name[:8])
        except StoreUnavailableError as error:
            logger.warning("The lock of %s… was not given back; it ends by itself: %s", self.name[:8], error)


class Lockable(Protocol):
    """The part of a session that a lock needs."""

    store: Store
    lock: SessionLock | None
    unavailable: bool

    @property
    def is_live(self) -> bool: ...

    @property
    def key_hash(self) -> str: ...

    def peek_effects(self) -> Effects[Any]: ...

    def reload_effects(self) -> Effects[None]: ...


def acquire_effects(store: Store, name: str, timeouts: LockTimeouts) -> Effects[SessionLock]:
    """Wait for a lock and return it. Raise LockTimeoutError."""
    token, until = secrets.token_urlsafe(12), time.monotonic() + timeouts.wait
    while not (yield from store.acquire(name, token, (yield from now_effects(store)), int(timeouts.lease * 1000))):
        left = until - time.monotonic()
        if left <= 0:
            raise LockTimeoutError(f"{name[:8]}… is held by another request; this one waited {timeouts.wait:g} s.")
        yield from store.wait(name, left)
    return SessionLock(store, name, token)


def acquire_session_effects(session: Lockable, timeouts: LockTimeouts) -> Effects[None]:
    """Lock the session and load it anew. A visitor without a stored session is alone anyway.

    Raise LockTimeoutError, StoreUnavailableError.
    """
    yield from session.peek_effects()
    if session.unavailable:
        raise StoreUnavailableError("The store is away: nobody knows whether the session is held.")
    if session.is_live:
        session.lock = yield from acquire_effects(session.store, session.key_hash, timeouts)
        yield from session.reload_effects()


def release_effects(session: Lockable) -> Effects[None]:
    """Give the session's lock back, if it has one."""
    if session.lock is not None:
        lock, session.lock = session.lock, None
        yield from lock.release_effects()
