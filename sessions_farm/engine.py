"""Django's SESSION_ENGINE: a session is a set of variables, and a request sends only what it changed.

Everything here works on any store. Refusals keep Django's names: UpdateError where the session has gone meanwhile,
CreateError where one is already there.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions_farm import codec, keys, modes, visitors
from sessions_farm.exchange import Exchange
from sessions_farm.stores.base import (
    Append,
    CompareAndSet,
    Conflict,
    Ended,
    Increment,
    Missing,
    State,
    StoreUnavailable,
    Taken,
    now_ms,
)
from sessions_farm.variables import EXPIRY, Variables

__all__ = ["SessionStore"]


class SessionStore(Exchange):
    """One session in one request.

    ``proof`` is what our cookie's signature proved: such an id may get its session at the first write. A bare key that
    no session stands under is replaced, as Django's contract asks. On a host that is not its community's master,
    guarded variables cannot be seen.
    """

    @property
    def trips(self) -> int:
        """Round trips to the store so far."""
        return self._tally.trips

    @property
    def modified(self) -> bool:
        return self._modified or ("_session_cache" in self.__dict__ and self._session_cache.has_mutations())

    @modified.setter
    def modified(self, value: bool) -> None:
        if value and self.read_only_for:
            modes.refuse_write(self.read_only_for, "a variable")
        self._modified = value

    @property
    def ended(self) -> bool:
        """Whether the id was rotated, merged or logged out. Loads, but is no access of the view."""
        self._peek()
        return self.has_ended

    def claim_key(self) -> str:
        """The id, made now where there is none; the response will carry it. Raise SessionInterrupted in the grace."""
        self._peek()
        if self.in_grace:
            raise SessionInterrupted("The visitor signed in or out while this request was under way.")
        if self.session_key is None:
            self._require_writable("take an id")
            self._take_key(keys.new_id(self.member))
            self._state = State.ABSENT
        self.claimed = True
        return self.session_key or ""

    def at_browser_close(self) -> bool:
        """Whether the cookie is to live no longer than the browser's window."""
        custom = self._peek().get(EXPIRY)
        return settings.SESSION_EXPIRE_AT_BROWSER_CLOSE if custom is None else custom == 0

    def exists(self, session_key: str) -> bool:
        if session_key == self._replaces:
            return False
        hashes = keys.hashes_of(session_key)
        return any(self._call(self._store.load, key, now_ms()).state is State.LIVE for key in hashes)

    def create(self) -> None:
        """Store the session as it is under a fresh key."""
        if self.read_only_for:
            return modes.refuse_write(self.read_only_for, "a new session")
        while True:
            self._take_key(keys.new_id(self.member))
            try:
                self.save(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return None

    def load(self) -> Variables:  # type: ignore[override]  # a mapping, as Django uses it
        try:
            reading = self._read()
        except StoreUnavailable:
            self.unavailable = True
            return self._variables({})
        self._state, self._header = reading.state, reading.header
        if reading.state is State.ENDED:
            self.has_ended, self.in_grace = True, reading.in_grace
        if reading.state is not State.LIVE and not self.in_grace and (self.has_ended or self.proof is None):
            self._session_key = None
        return self._variables(reading.variables)

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 -- Django's signature
        variables = self._get_session(no_load=must_create)
        if self.read_only_for:
            return modes.refuse_write(self.read_only_for, ", ".join(variables.changed()) or "everything")
        if self.session_key is None:  # there was none, or the load found it to be none
            return self.create()
        if self.unavailable:
            raise StoreUnavailable("The session was not loaded, so it cannot be saved.")
        try:
            self._send(variables, must_create=must_create)
        except Taken as error:
            raise CreateError from error
        except (Missing, Ended) as error:
            raise UpdateError from error
        variables.settle()
        self._modified = self._cleared = False
        return None

    def delete(self, session_key: str | None = None) -> None:
        """End the session and its id for good."""
        self._require_writable("end it")
        ends = [session_key] if session_key else [self.session_key, self._replaces]
        for session_id in ends:
            for key in keys.hashes_of(session_id) if session_id else ():
                self._call(self._store.delete, key, "ended", now_ms())
        if not session_key:
            self._replaces = None

    def clear(self) -> None:
        """Drop every variable, hidden ones too, without a load."""
        if self.read_only_for:
            modes.refuse_write(self.read_only_for, "everything")
        self._session_cache = self._variables({})
        self.accessed = self._modified = self._cleared = True

    def flush(self) -> None:
        self._require_writable("end it")
        super().flush()
        self._forget()
        self.flushed = True
        self._modified = False

    def cycle_key(self) -> None:
        """Take a new id at the next save, in one step with what else was changed; the old one ends there.

        Where that save never comes (a server error), the browser still holds an id that works.
        """
        self._require_writable("take a new id")
        self._get_session()
        if self.in_grace:
            raise SessionInterrupted("The visitor signed in or out while this request was under way.")
        old = self.session_key
        new = keys.new_id(self.member)
        if old and not self.unavailable:
            self._replaces = self._replaces or old
            visitors.carry_over(old, new)
        self._session_key = new
        self._state = self._state or State.ABSENT
        self._modified = True

    @classmethod
    def clear_expired(cls) -> None:
        from sessions_farm import sweeper  # noqa: PLC0415 -- for manage.py clearsessions only

        sweeper.sweep()

    def increment(self, name: str, by: int = 1) -> int:
        """Add to a whole number in the store itself, at once; return the sum. No concurrent step is lost."""
        return int(codec.decode(self._modify(Increment(name, by)) or "0"))

    def append(self, name: str, item: Any) -> list[Any]:
        """Append to a list in the store itself, at once; return the list."""
        found: list[Any] = codec.decode(self._modify(Append(name, codec.encode(name, item))) or "[]")
        return found

    def compare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        """Set a variable at once if it still has the expected value (None: none); whether it was set."""
        texts = [None if given is None else codec.encode(name, given) for given in (expected, value)]
        try:
            self._modify(CompareAndSet(name, *texts))
        except Conflict:
            if not self.read_only_for:
                # The next read shows what another request has put there.
                self._session_cache = self.load()
            return False
        return True

    async def acycle_key(self) -> None:
        await sync_to_async(self.cycle_key)()

    async def aflush(self) -> None:
        await sync_to_async(self.flush)()

    async def adelete_test_cookie(self) -> None:
        await self.apop(self.TEST_COOKIE_NAME)

    async def aincrement(self, name: str, by: int = 1) -> int:
        return await sync_to_async(self.increment)(name, by)

    async def aappend(self, name: str, item: Any) -> list[Any]:
        return await sync_to_async(self.append)(name, item)

    async def acompare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        return await sync_to_async(self.compare_and_set)(name, expected, value)
