"""A session in one request: whose it is, under which id, and what the store had."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.exceptions import SessionInterrupted
from django.utils.module_loading import import_string

from sessions_farm import metrics
from sessions_farm.session import ids
from sessions_farm.session.variables import Variables
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Header, Reading, State, StoreUnavailableError, now_ms
from sessions_farm.stores.effects.effects import Effects, run_async, run_sync
from sessions_farm.stores.effects.round_trips import RoundTrips, counted
from sessions_farm.web import decorators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sessions_farm.communities.registry import Member
    from sessions_farm.session.locks import SessionLock
    from sessions_farm.web.cookies import Proof

logger = logging.getLogger(__name__)


class Opening(SessionBase):
    """One session's state towards its store: who it is, and what was loaded."""

    _session_cache: Variables  # absent until the session is loaded

    def __init__(
        self, session_key: str | None = None, *, proof: Proof | None = None, member: Member | None = None
    ) -> None:
        # As SessionBase's own, without its serializer: that is imported for each session, and the stores' is another.
        self._session_key = proof.id if proof else session_key
        self.accessed = self._modified = False
        self.proof = proof
        self.member = member
        self.unavailable = False  # the store did not answer: nothing is known, so nothing may be undone
        self.in_grace = False  # loaded under an id that was just rotated: to read only
        self.has_ended = False  # the id must not be used again
        self.flushed = False
        self.claimed = False  # the id is in use, though nothing may be stored under it
        self.written = False
        self.read_only_for = ""  # the view that may only read (sessions_farm.web.decorators)
        self.lease: SessionLock | None = None  # that a view has on this session (sessions_farm.session.locks)
        self._state: State | None = None
        self._header: Header | None = None
        self._replaces: str | None = None  # the id that this one takes over from, at the next save
        self._cleared = False
        self.store = current_store()
        self._tally = RoundTrips()
        self._hashed: tuple[str | None, list[str]] = (None, [])
        self._hash = self._hashes[0] if self._session_key else ""

    @property
    def serializer(self) -> Any:
        """Django's, for its ``encode`` and ``decode``."""
        return import_string(settings.SESSION_SERIALIZER)

    @property
    def is_opened(self) -> bool:
        return "_session_cache" in self.__dict__

    @property
    def ids(self) -> list[str]:
        """The id, and the one that it takes over from at the next save."""
        return [session_id for session_id in (self.session_key, self._replaces) if session_id]

    @property
    def sees_all(self) -> bool:
        """Whether guarded variables can be seen here: on the master, and where there are no communities."""
        return self.member is None or self.member.is_master

    @property
    def is_live(self) -> bool:
        """Whether the store has it, as far as was asked."""
        return self._state is State.LIVE

    @property
    def key_hash(self) -> str:
        """What the session stands under in the store."""
        return self._hash

    @property
    def _hashes(self) -> list[str]:
        """Every key that may stand for the id, hashed once; with no SECRET_KEY_FALLBACKS that is one."""
        if self._hashed[0] != self._session_key:
            self._hashed = self._session_key, ids.digests_of(self._session_key or "")
        return self._hashed[1]

    def run_sync[Answer](self, steps: Effects[Answer]) -> Answer:
        """Make the steps in this thread, and count their trips as this session's."""
        with counted(self._tally):
            return run_sync(steps)

    async def run_async[Answer](self, steps: Effects[Answer]) -> Answer:
        with counted(self._tally):
            return await run_async(steps)

    def opening(self, *, no_load: bool = False) -> Effects[Variables]:
        """The variables, loaded once."""
        self.accessed = True
        if not self.is_opened:
            if self.session_key is None or no_load:
                self._session_cache = self._variables({})
            else:
                self._session_cache = yield from self.loading()
        return self._session_cache

    def peeking(self) -> Effects[Variables]:
        """Load without an access: what the farm itself asks makes no page vary by the cookie."""
        accessed = self.accessed
        variables = yield from self.opening()
        self.accessed = accessed
        return variables

    def loading(self) -> Effects[Variables]:
        try:
            reading = yield from self._reading()
        except StoreUnavailableError:
            metrics.UNAVAILABLE.inc()
            self.unavailable = True
            return self._variables({})
        self._state, self._header = reading.state, reading.header
        self._tally.bytes += sum(map(len, reading.variables.values()))
        if reading.state is State.ENDED:
            self.has_ended, self.in_grace = True, reading.in_grace
        if reading.state is not State.LIVE and not self.in_grace and (self.has_ended or self.proof is None):
            self._session_key = None
        return self._variables(reading.variables)

    def claiming(self) -> Effects[str]:
        """The id, made now where there is none."""
        yield from self.peeking()
        if self.in_grace:
            self._interrupt()
        if self.session_key is None:
            self._require_writable("take an id")
            self._take_key(ids.new_id(self.member))
            self._state = State.ABSENT
        self.claimed = True
        return self.session_key or ""

    def _variables(self, texts: Mapping[str, str]) -> Variables:
        return Variables(texts, all_visible=self.sees_all)

    def _reading(self) -> Effects[Reading]:
        """Ask under every key that may stand for the id."""
        reading = Reading(State.ABSENT)
        for key in self._hashes:
            reading = yield from self.store.load(key, now_ms())
            if reading.state is not State.ABSENT:
                self._hash = key
                break
        return reading

    def _require_writable(self, what: str) -> None:
        """Raise where a view that may only read would change who the visitor is: none of that is dropped quietly."""
        if self.read_only_for:
            raise decorators.ReadOnlySessionError(
                f"The view {self.read_only_for} is @session_readonly and cannot {what}."
            )

    def _interrupt(self) -> NoReturn:
        raise SessionInterrupted("The visitor signed in or out while this request was under way.")

    def _take_key(self, session_id: str) -> None:
        self._session_key = session_id
        self._hash = ids.digest(session_id)
        self._header = None
        self.has_ended = False
