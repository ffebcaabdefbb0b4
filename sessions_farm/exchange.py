"""What a session and its store say to each other: the half of the engine that no view calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from asgiref.sync import sync_to_async
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions_farm import keys, modes
from sessions_farm.conf import options
from sessions_farm.lifetimes import lifetime_of
from sessions_farm.stores import current_store
from sessions_farm.stores.base import (
    Change,
    Ended,
    Header,
    Lifetime,
    Missing,
    Operation,
    Reading,
    State,
    Taken,
    now_ms,
)
from sessions_farm.stores.trips import Tally, counted
from sessions_farm.variables import LIFETIME_NAMES, Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sessions_farm.communities import Member
    from sessions_farm.cookies import Proof


class Exchange(SessionBase):
    """One session's state towards its store, and each step that changes it."""

    _session_cache: Variables  # absent until the session is loaded

    def __init__(
        self, session_key: str | None = None, *, proof: Proof | None = None, member: Member | None = None
    ) -> None:
        super().__init__(proof.id if proof else session_key)
        self.proof = proof
        self.member = member
        self.unavailable = False  # the store did not answer: nothing is known, so nothing may be undone
        self.in_grace = False  # loaded under an id that was just rotated: to read only
        self.has_ended = False  # the id must not be used again
        self.flushed = False
        self.claimed = False  # the id is in use, though nothing may be stored under it
        self.written = False
        self.read_only_for = ""  # the view that may only read (sessions_farm.modes)
        self._state: State | None = None
        self._header: Header | None = None
        self._replaces: str | None = None  # the id that this one takes over from, at the next save
        self._cleared = False
        self._store = current_store()
        self._tally = Tally()
        self._hash = keys.hash_id(self.session_key) if self.session_key else ""

    def _get_session(self, no_load: bool = False) -> Variables:  # noqa: FBT001, FBT002 -- Django's signature
        self.accessed = True
        if "_session_cache" not in self.__dict__:
            self._session_cache = (
                self._variables({}) if self.session_key is None or no_load else cast("Variables", self.load())
            )
        return self._session_cache

    async def _aget_session(self, no_load: bool = False) -> Variables:  # noqa: FBT001, FBT002 -- as above
        return await sync_to_async(self._get_session)(no_load)

    _session = property(_get_session)

    def _variables(self, texts: Mapping[str, str]) -> Variables:
        return Variables(texts, all_visible=self.member is None or self.member.is_master)

    def _peek(self) -> Variables:
        """Load without an access: what the farm itself asks makes no page vary by the cookie."""
        accessed = self.accessed
        variables = self._get_session()
        self.accessed = accessed
        return variables

    def _read(self) -> Reading:
        """Ask under every key that may stand for the id; with no SECRET_KEY_FALLBACKS that is one."""
        reading = Reading(State.ABSENT)
        for key in keys.hashes_of(self.session_key or ""):
            reading = self._call(self._store.load, key, now_ms())
            if reading.state is not State.ABSENT:
                self._hash = key
                break
        return reading

    def _send(self, variables: Variables, *, must_create: bool) -> None:
        if must_create:
            return self._create(variables)
        if self._state is None:  # cleared without a load
            reading = self._read()
            self._state, self._header = reading.state, reading.header
        if self._state is State.ENDED:
            raise Ended(self._hash)
        if self._state is State.LIVE:
            return self._apply(variables)
        if self.proof is None and not self.claimed and not self._replaces:
            raise Missing(self._hash)
        if variables.texts() or self._replaces:
            return self._create_or_apply(variables)
        return None

    def _create(self, variables: Variables) -> None:
        texts, now = variables.texts(), now_ms()
        self._hash = keys.hash_id(self.session_key or "")
        self._header = self._call(self._store.create, self._hash, texts, self._lifetime(texts, now), now)
        self._state, self.written = State.LIVE, True
        if self._replaces:
            for key in keys.hashes_of(self._replaces):
                self._call(self._store.delete, key, "rotated", now)
            self._replaces = None

    def _create_or_apply(self, variables: Variables) -> None:
        """Another request may have made the session since this one found none: then add to it."""
        try:
            self._create(variables)
        except Taken:
            self._header = self._call(self._store.apply, self._hash, Change(put=variables.texts()), now_ms())
            self._state, self.written = State.LIVE, True

    def _apply(self, variables: Variables) -> None:
        puts, drops, now = variables.puts(), variables.drops(), now_ms()
        lifetime = None
        if self._cleared or LIFETIME_NAMES & (puts.keys() | set(drops)):
            lifetime = self._lifetime(variables.texts(), now)
        change = Change(puts, () if self._cleared else drops, self._cleared, lifetime)
        if self._replaces:
            new, grace = keys.hash_id(self.session_key or ""), options().grace * 1000
            self._header = self._call(self._store.rotate, self._hash, new, change, now, grace)
            self._hash, self._replaces = new, None
        elif puts or drops or self._cleared:
            self._header = self._call(self._store.apply, self._hash, change, now)
        else:
            return
        self.written = True

    def _modify(self, operation: Operation) -> str | None:
        variables = self._get_session()
        variables.require_visible(operation.name)
        if self.read_only_for:
            modes.refuse_write(self.read_only_for, operation.name)
            return variables.pretend(operation)
        try:
            self._ensure_live(variables)
            text = self._call(self._store.modify, self._hash, operation, now_ms())
        except (Missing, Ended, UpdateError) as error:
            raise SessionInterrupted("The session ended before this request did.") from error
        variables.learn(operation.name, text)
        self.written = True
        return text

    def _require_writable(self, what: str) -> None:
        """Raise where a view that may only read would change who the visitor is: none of that is dropped quietly."""
        if self.read_only_for:
            raise modes.ReadOnlySession(f"The view {self.read_only_for} is @session_readonly and cannot {what}.")

    def _ensure_live(self, variables: Variables) -> None:
        """Let the store have the session with all that this request changed, for it is about to change it itself."""
        if self.session_key is None:
            self.create()
        elif self._state is State.ABSENT and not self.unavailable:
            self._create_or_apply(variables)
            variables.settle()
        elif self.modified or self.unavailable or self.in_grace:
            self.save()

    def _lifetime(self, texts: dict[str, str], now: int) -> Lifetime:
        return lifetime_of(texts, options(), self._header.created if self._header else now, now)

    def _take_key(self, session_id: str) -> None:
        self._session_key = session_id
        self._hash = keys.hash_id(session_id)
        self._header = None

    def _forget(self) -> None:
        self._state = self._header = None
        self._hash = ""
        self.in_grace = self.has_ended = self.claimed = self._cleared = False

    def _call[**P, R](self, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        with counted(self._tally):
            return method(*args, **kwargs)
