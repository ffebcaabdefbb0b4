"""The session: a set of variables in one request, read and written in the store of the settings.

Every method that asks the store exists once, as a generator of effects (``save_effects``), and in two spellings that
run it: in a thread (``save``) and in an event loop (``asave``). psycopg 3 is built the same way. Refusals keep Django's
names: UpdateError where the session has gone meanwhile, CreateError where one is already there.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.utils.module_loading import import_string

from sessions_farm.conf import options
from sessions_farm.session import ids, metrics
from sessions_farm.session.atomic_operations import AtomicOperations
from sessions_farm.session.audience import SITE
from sessions_farm.session.expiry import LIFETIME_NAMES, Expiry, lifetime_of
from sessions_farm.session.read_only import ReadOnlySessionError, refuse_write
from sessions_farm.session.rotation import Rotation
from sessions_farm.session.variables import Variables
from sessions_farm.stores import base, current_store
from sessions_farm.stores.base import Change, Header, Reading, State, now_ms
from sessions_farm.stores.effects.effects import run_async, run_sync
from sessions_farm.stores.effects.round_trips import RoundTrips
from sessions_farm.stores.store_time import now_effects

if TYPE_CHECKING:
    from sessions_farm.session.audience import Audience
    from sessions_farm.session.ids import Proof
    from sessions_farm.session.locks import SessionLock
    from sessions_farm.stores.effects.effects import Effects

logger = logging.getLogger(__name__)


class SessionStore(AtomicOperations, Rotation, Expiry):
    """One session in one request. Its load may be ``interrupted`` by the end of the application's transaction.

    ``proof`` is an id that our cookie proves: it may get its session at the first write. A bare key without a live
    session is replaced, as Django's contract asks. Guarded variables are absent for an ``audience`` without the right.
    """

    _session_cache: Variables  # absent until the session is loaded

    def __init__(
        self, session_key: str | None = None, *, proof: Proof | None = None, audience: Audience = SITE
    ) -> None:
        # As SessionBase's own, but without its serializer, which nothing here uses.
        self._session_key = proof.id if proof else session_key
        self.accessed = self._modified = self._cleared = self.touch_due = self.interrupted = False
        self.proof = proof
        self.audience = audience
        self.unavailable = False  # the store did not answer: nothing is known, so nothing may be undone
        self.optional = False  # an access goes on without a session while the store is away
        self.in_grace = False  # loaded under an id that was rotated a moment ago: to read only
        self.has_ended = False  # the id must not be used again
        self.flushed = self.written = False
        self.claimed = False  # the id is in use, though nothing may be stored under it
        self.read_only_for = ""  # the view that may only read (sessions_farm.session.read_only)
        self.lock: SessionLock | None = None  # held for a view (sessions_farm.session.locks)
        self._state: State | None = None
        self._header: Header | None = None
        self._replaces: str | None = None  # the id that this one takes over from, at the next save
        self._successor = ""  # of an id in grace: the id that its session moved to, sealed
        self.follows, self._followed = "", False  # the id of a concurrent sign-in's session, to be taken over
        self.store = current_store()
        self.round_trips = RoundTrips()
        self._digests = ids.digests_of(self._session_key) if self._session_key else []
        self.key_hash = self._digests[0] if self._digests else ""  # the key in the store

    @property
    def serializer(self) -> Any:
        """Return Django's serializer, for SessionBase's ``encode`` and ``decode``."""
        return import_string(settings.SESSION_SERIALIZER)

    @property
    def ids(self) -> list[str]:
        """Return the id, and the one that it takes over from at the next save."""
        return [session_id for session_id in (self._session_key, self._replaces) if session_id]

    @property
    def is_loaded(self) -> bool:
        return "_session_cache" in self.__dict__

    @property
    def is_live(self) -> bool:
        """Return whether the store has the session, as far as was asked."""
        return self._state is State.LIVE

    @property
    def ended(self) -> bool:
        """Return whether the id was rotated, merged or logged out. Loads, but is no access of the view."""
        self.run_sync(self.peek_effects())
        return self.has_ended

    @property
    def modified(self) -> bool:
        return self._modified or ("_session_cache" in self.__dict__ and self._session_cache.has_mutations())

    @modified.setter
    def modified(self, value: bool) -> None:
        if value and self.read_only_for:
            refuse_write(self.read_only_for, "a variable")
        self._modified = value

    def run_sync[Answer](self, effects: Effects[Answer]) -> Answer:
        return run_sync(effects, self.round_trips)

    async def run_async[Answer](self, effects: Effects[Answer]) -> Answer:
        return await run_async(effects, self.round_trips)

    def exists(self, session_key: str) -> bool:
        return self.run_sync(self._exists_effects(session_key))

    async def aexists(self, session_key: str) -> bool:
        return await self.run_async(self._exists_effects(session_key))

    def create(self) -> None:
        self.run_sync(self.create_effects())

    async def acreate(self) -> None:
        await self.run_async(self.create_effects())

    def load(self) -> Variables:  # type: ignore[override]  # a mapping, as Django uses it
        return self.run_sync(self.load_effects())

    async def aload(self) -> Variables:  # type: ignore[override]  # as above
        return await self.run_async(self.load_effects())

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 -- Django's signature
        self.run_sync(self.save_effects(must_create=must_create))

    async def asave(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 -- as above
        await self.run_async(self.save_effects(must_create=must_create))

    def delete(self, session_key: str | None = None) -> None:
        self.run_sync(self.delete_effects(session_key))

    async def adelete(self, session_key: str | None = None) -> None:
        await self.run_async(self.delete_effects(session_key))

    def clear(self) -> None:
        """Drop every variable, guarded ones too, without a load."""
        if self.read_only_for:
            refuse_write(self.read_only_for, "everything")
        else:
            self._session_cache = Variables(sees_guarded=self.audience.sees_guarded)
            self.accessed = self._modified = self._cleared = True

    def flush(self) -> None:
        self.run_sync(self.flush_effects())

    async def aflush(self) -> None:
        await self.run_async(self.flush_effects())

    def cycle_key(self) -> None:
        """Take a new id at the next save, against session fixation; until then the old one works."""
        self.run_sync(self.cycle_key_effects())

    async def acycle_key(self) -> None:
        await self.run_async(self.cycle_key_effects())

    @classmethod
    def clear_expired(cls) -> None:
        """End expired sessions, batch by batch. Their events are the sweeper's to deliver."""
        store, batch = current_store(), options().sweep_batch
        while run_sync(store.sweep(run_sync(now_effects(store)), batch)) >= batch:
            pass

    @classmethod
    async def aclear_expired(cls) -> None:
        await sync_to_async(cls.clear_expired)()

    async def adelete_test_cookie(self) -> None:
        await self.apop(self.TEST_COOKIE_NAME)

    def _get_session(self, no_load: bool = False) -> Variables:  # noqa: FBT001, FBT002 -- Django's signature
        if "_session_cache" in self.__dict__:  # the way of nearly every access
            self.accessed = True
            return self._session_cache
        return self.run_sync(self.open_effects(no_load=no_load))

    async def _aget_session(self, no_load: bool = False) -> Variables:  # noqa: FBT001, FBT002 -- as above
        return await self.run_async(self.open_effects(no_load=no_load))

    _session = property(_get_session)

    def claim_key(self) -> str:
        """Return the id, made now where there is none; the response will carry it. Raise SessionInterrupted."""
        return self.run_sync(self.claim_key_effects())

    async def aclaim_key(self) -> str:
        return await self.run_async(self.claim_key_effects())

    def open_effects(self, *, no_load: bool = False) -> Effects[Variables]:
        """Return the variables, loaded once. Raise StoreUnavailableError, unless the session is ``optional``."""
        self.accessed = True
        if "_session_cache" not in self.__dict__:
            if not no_load:
                yield from self.peek_effects()
                if self.unavailable and not self.optional:
                    raise base.StoreUnavailableError("The store is away: nobody knows whose session this is.")
            self.__dict__.setdefault("_session_cache", Variables(sees_guarded=self.audience.sees_guarded))
        return self._session_cache

    def peek_effects(self) -> Effects[Variables]:
        """Load without an access: a look of the engine's own makes no page vary by the cookie, and refuses none.

        A store that is away leaves the session ``unavailable``, and nothing to see; it is asked once a request.
        """
        if not self.is_loaded and self._session_key is None:
            self._session_cache = Variables(sees_guarded=self.audience.sees_guarded)
        elif not self.is_loaded and not self.unavailable:
            try:
                self._session_cache = yield from self.load_effects()
            except base.StoreUnavailableError as error:
                logger.warning("A session could not be loaded: %s", error)
        return self._session_cache if self.is_loaded else Variables()

    def load_effects(self) -> Effects[Variables]:
        """Read the store. Raise StoreUnavailableError; the session is ``unavailable`` then."""
        self.interrupted = True
        try:
            reading = yield from self._read_effects()
        except base.StoreUnavailableError:
            metrics.UNAVAILABLE.inc()
            self.unavailable = True
            raise
        self._state, self._header = reading.state, reading.header
        self.touch_due, self.interrupted = reading.touch_due, False
        self.round_trips.bytes += sum(map(len, reading.variables.values()))
        if reading.state is State.ENDED:
            self.has_ended, self.in_grace, self._successor = True, reading.in_grace, reading.successor
        if reading.state is not State.LIVE and not self.in_grace and (self.has_ended or self.proof is None):
            self._session_key = None
        return Variables(reading.variables, sees_guarded=self.audience.sees_guarded)

    def reload_effects(self) -> Effects[None]:
        """Save the changes of this request, forget the loaded variables and load them anew."""
        if self.modified:
            yield from self.save_effects()
        self.__dict__.pop("_session_cache", None)
        yield from self.peek_effects()

    def claim_key_effects(self) -> Effects[str]:
        """Return the id, made now where there is none."""
        yield from self.peek_effects()
        self._require_current()
        if self._session_key is None:
            self._require_writable("take an id")
            self._take_key(self.audience.new_id())
            self._state = State.ABSENT
        self.claimed = True
        return self._session_key or ""

    def create_effects(self) -> Effects[None]:
        """Store the session as it is under a fresh key."""
        if self.read_only_for:
            return refuse_write(self.read_only_for, "a new session")
        while True:
            self._take_key(self.audience.new_id())
            try:
                yield from self.save_effects(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return None

    def save_effects(self, *, must_create: bool = False) -> Effects[None]:
        """Send the changed variables. Raise CreateError, UpdateError, SessionInterrupted, StoreUnavailableError."""
        variables = yield from self.open_effects(no_load=must_create)
        if self.read_only_for:
            return refuse_write(self.read_only_for, ", ".join(variables.changed()) or "everything")
        if self._session_key is None:  # there was none, or the load found it to be none
            return (yield from self.create_effects())
        if self.unavailable:
            raise base.StoreUnavailableError("The session was not loaded, so it cannot be saved.")
        if self.follows:
            yield from self.follow_effects()
        try:
            yield from self._send_effects(variables, must_create=must_create)
        except base.KeyTakenError as error:
            raise CreateError from error
        except (base.SessionMissingError, base.SessionEndedError) as error:
            raise UpdateError from error
        except base.LeaseLostError as error:
            raise SessionInterrupted("The view held the session longer than its lock: nothing was saved.") from error
        self._modified = self._cleared = False
        return None

    def delete_effects(self, session_key: str | None = None) -> Effects[None]:
        """End the session and its id, or another one's, for good."""
        self._require_writable("end it")
        for session_id in [session_key] if session_key else self.ids:
            yield from self._delete_id_effects(session_id, "ended")
        if not session_key:
            self._replaces = None

    def flush_effects(self) -> Effects[None]:
        """Drop every variable and end the id."""
        self._require_writable("end it")
        self.clear()
        yield from self.delete_effects()
        self._session_key = self._state = self._header = None
        self.key_hash, self._digests = "", []
        self.in_grace = self.has_ended = self.claimed = self._cleared = False
        self.flushed = True

    def _exists_effects(self, session_key: str) -> Effects[bool]:
        if session_key == self._replaces:
            return False
        for key in ids.digests_of(session_key):
            reading = yield from self.store.load(key, (yield from now_effects(self.store)))
            if reading.state is State.LIVE:
                return True
        return False

    def _read_effects(self) -> Effects[Reading]:
        """Ask under every digest of the id; with no SECRET_KEY_FALLBACKS there is one."""
        reading = Reading(State.ABSENT)
        for key in self._digests:
            reading = yield from self.store.load(key, (yield from now_effects(self.store)))
            if reading.state is not State.ABSENT:
                self.key_hash = key
                break
        return reading

    def _send_effects(self, variables: Variables, *, must_create: bool) -> Effects[None]:
        texts = variables.texts()
        variables.require_budget(texts)
        if must_create:
            yield from self._create_effects(texts)
        else:
            if self._state is None:  # cleared without a load
                reading = yield from self._read_effects()
                self._state, self._header = reading.state, reading.header
            if self._state is State.ENDED:
                raise base.SessionEndedError(self.key_hash)
            if self._state is State.LIVE:
                yield from self._apply_effects(variables, texts)
            elif self.proof is None and not self.claimed and not self._replaces:
                raise base.SessionMissingError(self.key_hash)
            elif self._replaces:
                yield from self._begin_effects(self._replaces)
                yield from self._apply_effects(variables, texts)
            elif texts:
                yield from self._create_or_apply_effects(variables, texts)
        self._settle(variables, texts)

    def _create_effects(self, texts: dict[str, str]) -> Effects[None]:
        now = yield from now_effects(self.store)
        self.round_trips.bytes += sum(map(len, texts.values()))
        self.key_hash = ids.digest(self._session_key or "")
        self._digests = [self.key_hash]
        self._header = yield from self.store.create(self.key_hash, texts, lifetime_of(texts, options(), now, now), now)
        self._state, self.written = State.LIVE, True

    def _settle(self, variables: Variables, texts: dict[str, str]) -> None:
        variables.settle(texts)
        if self._followed:  # the other sign-in's session has more than this request knows
            self._followed = False
            self.__dict__.pop("_session_cache", None)

    def _create_or_apply_effects(self, variables: Variables, texts: dict[str, str]) -> Effects[None]:
        """Add to the session that another request has made since this one found none."""
        try:
            yield from self._create_effects(texts)
        except base.KeyTakenError:
            self._header = yield from self.store.apply(self.key_hash, variables.change(texts), now_ms())
            self._state, self.written = State.LIVE, True

    def _apply_effects(self, variables: Variables, texts: dict[str, str]) -> Effects[None]:
        change, now = variables.change(texts, replace=self._cleared), now_ms()
        if not (change.put or change.drop or change.add or self._cleared or self._replaces):
            return
        self.round_trips.bytes += sum(map(len, change.put.values()))
        change = self._with_lifetime(change, texts, now)
        if self.lock and self.lock.name == self.key_hash:
            change = replace(change, holder=self.lock.token)
        if self._replaces:
            yield from self._rotate_effects(self._replaces, change, now)
        else:
            self._header = yield from self._apply_once_effects(change, now)
        self.written = True

    def _with_lifetime(self, change: Change, texts: dict[str, str], now: int) -> Change:
        """Return the change with a new lifetime where a variable that decides on it has changed."""
        if not self._cleared and LIFETIME_NAMES.isdisjoint({*change.put, *change.drop}):
            return change
        created = self._header.created if self._header else now
        return replace(change, lifetime=lifetime_of(texts, options(), created, now))

    def _apply_once_effects(self, change: Change, now: int) -> Effects[Header]:
        """Ask again, under one idempotency key, where the answer to an addition was lost; a plain change is not."""
        if change.add:
            change = replace(change, idempotency_key=secrets.token_urlsafe(9))
        try:
            return (yield from self.store.apply(self.key_hash, change, now))
        except base.StoreUnavailableError:
            if not change.add:
                raise
            return (yield from self.store.apply(self.key_hash, change, now))

    def _delete_id_effects(self, session_id: str, reason: str) -> Effects[None]:
        for key in ids.digests_of(session_id):
            yield from self.store.delete(key, reason, (yield from now_effects(self.store)))

    def _take_key(self, session_id: str) -> None:
        self._session_key = session_id
        self._digests = ids.digests_of(session_id)
        self.key_hash = self._digests[0]
        self._header, self.has_ended = None, False

    def _require_writable(self, change: str) -> None:
        """Raise in a view that may only read: a change of the visitor's identity is never dropped quietly."""
        if self.read_only_for:
            raise ReadOnlySessionError(f"The view {self.read_only_for} is @session_readonly and cannot {change}.")

    def _require_current(self) -> None:
        """Raise where the id was rotated while this request was under way."""
        if self.in_grace:
            raise SessionInterrupted("The visitor signed in or out while this request was under way.")
