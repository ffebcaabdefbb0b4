"""Django's SESSION_ENGINE: a session is a set of variables, and a request sends only what it changed.

Everything here works on any store, in threads and in event loops. Refusals keep Django's names: UpdateError where the
session has gone meanwhile, CreateError where one is already there.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings

from sessions_farm.session import ids, serializer
from sessions_farm.session.exchange import Exchange
from sessions_farm.session.variables import EXPIRY, Variables
from sessions_farm.stores.base import Append, CompareAndSet, Increment, State, now_ms
from sessions_farm.stores.effects.effects import Effects
from sessions_farm.web import decorators

__all__ = ["SessionStore"]


class SessionStore(Exchange):
    """One session in one request.

    ``proof`` is what our cookie's signature proved: such an id may get its session at the first write. A bare key that
    no session stands under is replaced, as Django's contract asks. On a host that is not its community's master,
    guarded variables cannot be seen. Every method has its native twin for event loops: ``save`` and ``asave``.
    """

    @property
    def trips(self) -> int:
        """Round trips to the store so far."""
        return self._tally.trips

    @property
    def bytes(self) -> int:
        """Bytes of values that went to and from the store so far."""
        return self._tally.bytes

    @property
    def modified(self) -> bool:
        return self._modified or (self.is_opened and self._session_cache.has_mutations())

    @modified.setter
    def modified(self, value: bool) -> None:
        if value and self.read_only_for:
            decorators.refuse_write(self.read_only_for, "a variable")
        self._modified = value

    @property
    def ended(self) -> bool:
        """Whether the id was rotated, merged or logged out. Loads, but is no access of the view."""
        self.run_sync(self.peeking())
        return self.has_ended

    def claim_key(self) -> str:
        """The id, made now where there is none; the response will carry it. Raise SessionInterrupted in the grace."""
        return self.run_sync(self.claiming())

    async def aclaim_key(self) -> str:
        return await self.run_async(self.claiming())

    def at_browser_close(self) -> bool:
        """Whether the cookie is to live no longer than the browser's window; of a session that is loaded."""
        custom = self._session_cache.get(EXPIRY) if self.is_opened else None
        return settings.SESSION_EXPIRE_AT_BROWSER_CLOSE if custom is None else custom == 0

    def exists(self, session_key: str) -> bool:
        return self.run_sync(self._existing(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await self.run_async(self._existing(session_key))

    def create(self) -> None:
        """Store the session as it is under a fresh key."""
        self.run_sync(self.creating())

    async def acreate(self) -> None:
        await self.run_async(self.creating())

    def load(self) -> Variables:  # type: ignore[override]  # a mapping, as Django uses it
        return self.run_sync(self.loading())

    async def aload(self) -> Variables:  # type: ignore[override]  # as above
        return await self.run_async(self.loading())

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 -- Django's signature
        self.run_sync(self.saving(must_create=must_create))

    async def asave(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 -- as above
        await self.run_async(self.saving(must_create=must_create))

    def delete(self, session_key: str | None = None) -> None:
        """End the session and its id for good."""
        self.run_sync(self.deleting(session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        await self.run_async(self.deleting(session_key))

    def clear(self) -> None:
        """Drop every variable, hidden ones too, without a load."""
        if self.read_only_for:
            decorators.refuse_write(self.read_only_for, "everything")
        self._session_cache = self._variables({})
        self.accessed = self._modified = self._cleared = True

    def flush(self) -> None:
        self.run_sync(self.flushing())

    async def aflush(self) -> None:
        await self.run_async(self.flushing())

    def cycle_key(self) -> None:
        """Take a new id at the next save, in one step with what else was changed; the old one ends there.

        Where that save never comes (a server error), the browser still holds an id that works.
        """
        self.run_sync(self.cycling())

    async def acycle_key(self) -> None:
        await self.run_async(self.cycling())

    @classmethod
    def clear_expired(cls) -> None:
        from sessions_farm.session import sweeper  # noqa: PLC0415 -- for manage.py clearsessions only

        sweeper.sweep()

    @classmethod
    async def aclear_expired(cls) -> None:
        await sync_to_async(cls.clear_expired)()

    def increment(self, name: str, by: int = 1) -> int:
        """Add to a whole number in the store itself, at once; return the sum. No concurrent step is lost."""
        return int(self.run_sync(self.modifying(Increment(name, by))) or 0)

    async def aincrement(self, name: str, by: int = 1) -> int:
        text: str | None = await self.run_async(self.modifying(Increment(name, by)))
        return int(text or 0)

    def append(self, name: str, item: Any) -> list[Any]:
        """Append to a list in the store itself, at once; return the list."""
        found: list[Any] = serializer.decode(
            self.run_sync(self.modifying(Append(name, serializer.encode(name, item)))) or "[]"
        )
        return found

    async def aappend(self, name: str, item: Any) -> list[Any]:
        text: str | None = await self.run_async(self.modifying(Append(name, serializer.encode(name, item))))
        found: list[Any] = serializer.decode(text or "[]")
        return found

    def compare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        """Set a variable at once if it still has the expected value (None: none); whether it was set."""
        return self.run_sync(self.comparing(comparison(name, expected, value)))

    async def acompare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        return await self.run_async(self.comparing(comparison(name, expected, value)))

    async def adelete_test_cookie(self) -> None:
        await self.apop(self.TEST_COOKIE_NAME)

    def _get_session(self, no_load: bool = False) -> Variables:  # noqa: FBT001, FBT002 -- Django's signature
        if self.is_opened:  # the way of nearly every access
            self.accessed = True
            return self._session_cache
        return self.run_sync(self.opening(no_load=no_load))

    async def _aget_session(self, no_load: bool = False) -> Variables:  # noqa: FBT001, FBT002 -- as above
        return await self.run_async(self.opening(no_load=no_load))

    _session = property(_get_session)

    def _existing(self, session_key: str) -> Effects[bool]:
        if session_key == self._replaces:
            return False
        for key in ids.digests_of(session_key):
            reading = yield from self.store.load(key, now_ms())
            if reading.state is State.LIVE:
                return True
        return False


def comparison(name: str, expected: Any, value: Any) -> CompareAndSet:
    return CompareAndSet(
        name, *(None if given is None else serializer.encode(name, given) for given in (expected, value))
    )
