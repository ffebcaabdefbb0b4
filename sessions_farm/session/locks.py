"""One request at a time: the lease of a session that ``@session_exclusive`` asks for (PHP's and ASP.NET's lock).

Only views that ask wait for each other; all others read and write beside them. The lease ends by itself, so the dead
hold nobody up, and a holder who is later than that writes nothing: the store looks at the lease in the very step that
writes (a fencing token: Kleppmann, "How to do distributed locking", 2016).
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sessions_farm.stores.base import StoreUnavailableError, now_ms

if TYPE_CHECKING:
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Leases, Store

logger = logging.getLogger(__name__)


class LockTimeoutError(Exception):
    """Somebody else held the lease for as long as this one was willing to wait."""


@dataclass(frozen=True, slots=True)
class LockTimeouts:
    """Seconds: how long to wait for the lease, and how long it holds once it is had."""

    wait: float = 10
    lease: float = 30


@dataclass(frozen=True, slots=True)
class SessionLock:
    store: Leases
    name: str
    token: str

    def prolonging(self, patience: LockTimeouts) -> Effects[bool]:
        """Hold it from now on; False where it was lost."""
        return (yield from self.store.acquire(self.name, self.token, now_ms(), int(patience.lease * 1000)))

    def releasing(self) -> Effects[None]:
        try:
            if not (yield from self.store.release(self.name, self.token)):
                logger.warning("%s… was held longer than its lease: others may have written meanwhile.", self.name[:8])
        except StoreUnavailableError as error:
            logger.warning("The lease of %s… was not given back; it ends by itself: %s", self.name[:8], error)


class Held(Protocol):
    """What a session shows to who holds it (sessions_farm.session.exchange.Exchange)."""

    store: Store
    lease: SessionLock | None

    @property
    def is_live(self) -> bool: ...

    @property
    def key_hash(self) -> str: ...

    def peeking(self) -> Effects[Any]: ...

    def reopening(self) -> Effects[None]: ...


def acquiring(store: Leases, name: str, patience: LockTimeouts) -> Effects[SessionLock]:
    """A lease, waited for. Raise Busy."""
    token, until = secrets.token_urlsafe(12), time.monotonic() + patience.wait
    while not (yield from store.acquire(name, token, now_ms(), int(patience.lease * 1000))):
        left = until - time.monotonic()
        if left <= 0:
            raise LockTimeoutError(f"{name[:8]}… is held by another; it was waited for {patience.wait:g} seconds.")
        yield from store.wait(name, left)
    return SessionLock(store, name, token)


def entering(session: Held, patience: LockTimeouts) -> Effects[None]:
    """Hold the session, as it is once nobody else does. A visitor without one yet is alone anyway."""
    yield from session.peeking()
    if session.is_live:
        session.lease = yield from acquiring(session.store, session.key_hash, patience)
        yield from session.reopening()


def leaving(session: Held) -> Effects[None]:
    if session.lease is not None:
        lease, session.lease = session.lease, None
        yield from lease.releasing()
