"""What a session tells its store: each change, as steps (stores/steps.py)."""

from __future__ import annotations

import logging
import secrets
from dataclasses import replace
from functools import partial

from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions_farm.communities.visitors import lookup
from sessions_farm.conf import declaration_of, options
from sessions_farm.session import ids
from sessions_farm.session.expiry import lifetime_of
from sessions_farm.session.opening import Opening
from sessions_farm.session.serializer import TooLargeError
from sessions_farm.session.variables import LIFETIME_NAMES, Variables
from sessions_farm.stores.base import (
    Append,
    Change,
    CompareAndSet,
    ConflictError,
    Header,
    KeyTakenError,
    LeaseLostError,
    Lifetime,
    Operation,
    SessionEndedError,
    SessionMissingError,
    State,
    StoreUnavailableError,
    now_ms,
)
from sessions_farm.stores.effects.effects import Effects, InDjangoThread
from sessions_farm.web import decorators

logger = logging.getLogger(__name__)


class Exchange(Opening):
    """Each step that changes a session."""

    def creating(self) -> Effects[None]:
        if self.read_only_for:
            return decorators.refuse_write(self.read_only_for, "a new session")
        while True:
            self._take_key(ids.new_id(self.member))
            try:
                yield from self.saving(must_create=True)
            except CreateError:
                continue
            self.modified = True
            return None

    def saving(self, *, must_create: bool = False) -> Effects[None]:
        variables = yield from self.opening(no_load=must_create)
        if self.read_only_for:
            return decorators.refuse_write(self.read_only_for, ", ".join(variables.changed()) or "everything")
        if self.session_key is None:  # there was none, or the load found it to be none
            return (yield from self.creating())
        if self.unavailable:
            raise StoreUnavailableError("The session was not loaded, so it cannot be saved.")
        variables.hold()
        try:
            self._require_budget(variables)
            yield from self._sending(variables, must_create=must_create)
            variables.settle()
        except KeyTakenError as error:
            raise CreateError from error
        except (SessionMissingError, SessionEndedError) as error:
            raise UpdateError from error
        except LeaseLostError as error:
            raise SessionInterrupted("The view held the session longer than its lease: nothing was saved.") from error
        finally:
            variables.let_go()
        self._modified = self._cleared = False
        return None

    def deleting(self, session_key: str | None = None) -> Effects[None]:
        self._require_writable("end it")
        ends = [session_key] if session_key else [self.session_key, self._replaces]
        for session_id in ends:
            for key in ids.digests_of(session_id) if session_id else ():
                yield from self.store.delete(key, "ended", now_ms())
        if not session_key:
            self._replaces = None

    def flushing(self) -> Effects[None]:
        self._require_writable("end it")
        self.clear()
        yield from self.deleting()
        self._session_key = None
        self._state = self._header = None
        self._hash = ""
        self.in_grace = self.has_ended = self.claimed = self._cleared = False
        self.flushed = True

    def cycling(self) -> Effects[None]:
        self._require_writable("take a new id")
        yield from self.opening()
        if self.in_grace:
            self._interrupt()
        if self.session_key and not self.unavailable:
            self._replaces = self._replaces or self.session_key
        self._session_key = ids.new_id(self.member)
        self.claimed = True
        self._state = self._state or State.ABSENT
        self._modified = True

    def modifying(self, operation: Operation) -> Effects[str | None]:
        """One operation in the store itself. A lost answer is asked for again under the same name: it counts once."""
        variables = yield from self.opening()
        variables.require_visible(operation.name)
        self._require_modifiable(variables, operation)
        if self.read_only_for:
            decorators.refuse_write(self.read_only_for, operation.name)
            return variables.pretend(operation)
        idempotency_key = secrets.token_urlsafe(9)
        try:
            yield from self._ensuring_live(variables)
            try:
                text = yield from self.store.modify(self._hash, operation, now_ms(), idempotency_key)
            except StoreUnavailableError:
                text = yield from self.store.modify(self._hash, operation, now_ms(), idempotency_key)
        except (SessionMissingError, SessionEndedError, UpdateError) as error:
            raise SessionInterrupted("The session ended before this request did.") from error
        variables.learn(operation.name, text)
        self.written = True
        return text

    def comparing(self, operation: CompareAndSet) -> Effects[bool]:
        try:
            yield from self.modifying(operation)
        except ConflictError:
            if not self.read_only_for:
                # The next read shows what another request has put there.
                self._session_cache = yield from self.loading()
            return False
        return True

    def reopening(self) -> Effects[None]:
        """Forget what was loaded, and load anew; what this request changed is saved first."""
        if self.modified:
            yield from self.saving()
        self.__dict__.pop("_session_cache", None)
        yield from self.peeking()

    def _sending(self, variables: Variables, *, must_create: bool) -> Effects[None]:
        if must_create:
            return (yield from self._creating(variables))
        if self._state is None:  # cleared without a load
            reading = yield from self._reading()
            self._state, self._header = reading.state, reading.header
        if self._state is State.ENDED:
            raise SessionEndedError(self._hash)
        if self._state is State.LIVE:
            return (yield from self._applying(variables))
        if self.proof is None and not self.claimed and not self._replaces:
            raise SessionMissingError(self._hash)
        if variables.texts() or self._replaces:
            return (yield from self._creating_or_applying(variables))
        return None

    def _creating(self, variables: Variables) -> Effects[None]:
        texts, now = variables.texts(), now_ms()
        self._tally.bytes += sum(map(len, texts.values()))
        self._hash = ids.digest(self.session_key or "")
        self._header = yield from self.store.create(self._hash, texts, self._lifetime(texts, now), now)
        self._state, self.written = State.LIVE, True
        if self._replaces:
            for key in ids.digests_of(self._replaces):
                yield from self.store.delete(key, "rotated", now)
            yield from self._carrying_visitor()

    def _creating_or_applying(self, variables: Variables) -> Effects[None]:
        """Another request may have made the session since this one found none: then add to it."""
        try:
            yield from self._creating(variables)
        except KeyTakenError:
            self._header = yield from self.store.apply(self._hash, variables.change(), now_ms())
            self._state, self.written = State.LIVE, True

    def _applying(self, variables: Variables) -> Effects[None]:
        change, now = variables.change(replace=self._cleared), now_ms()
        names = {*change.put, *change.drop}
        self._tally.bytes += sum(map(len, change.put.values()))
        if not names and not change.add and not self._cleared and not self._replaces:
            return
        if self._cleared or LIFETIME_NAMES & names:
            change = replace(change, lifetime=self._lifetime(variables.texts(), now))
        holder = self.lease.token if self.lease and self.lease.name == self._hash else ""
        change = replace(change, holder=holder, idempotency_key=secrets.token_urlsafe(9) if change.add else "")
        if self._replaces:
            new, grace = ids.digest(self.session_key or ""), options().grace * 1000
            self._header = yield from self.store.rotate(self._hash, new, change, now, grace)
            self._hash = new
            if getattr(self.store, "carries_visitors", False) and len(ids.digests_of(self._replaces)) == 1:
                self._replaces = None
            else:
                yield from self._carrying_visitor()
        else:
            self._header = yield from self._asking_twice(change, now)
        self.written = True

    def _carrying_visitor(self) -> Effects[None]:
        """Who the visitor is hangs on the id; a store in SQL sees to that itself in the step that rotates."""
        old, self._replaces = self._replaces or "", None
        yield InDjangoThread(partial(lookup.carry_over, old, self.session_key or ""))

    def _asking_twice(self, change: Change, now: int) -> Effects[Header]:
        """Ask once more where an answer was lost and the change counts once; a plain one is its sender's to repeat."""
        try:
            return (yield from self.store.apply(self._hash, change, now))
        except StoreUnavailableError:
            if not change.idempotency_key:
                raise
            return (yield from self.store.apply(self._hash, change, now))

    def _ensuring_live(self, variables: Variables) -> Effects[None]:
        """Let the store have the session with all that this request changed, for it is about to change it itself."""
        if self.session_key is None:
            yield from self.creating()
        elif self._state is State.ABSENT and not self.unavailable:
            self._require_budget(variables)
            yield from self._creating_or_applying(variables)
            variables.settle()
        elif self.modified or self.unavailable or self.in_grace:
            yield from self.saving()

    @staticmethod
    def _require_modifiable(variables: Variables, operation: Operation) -> None:
        if declaration_of(operation.name).ttl:
            raise TypeError(f"{operation.name!r} has a time to live: assign it, for the time counts from there.")
        if isinstance(operation, Append):
            size = len(operation.item) + variables.size(operation.name)
            if size > options().variable_limit:
                raise TooLargeError(
                    f"The session variable {operation.name!r} would be {size} bytes long; "
                    f"{options().variable_limit} are allowed."
                )

    def _require_budget(self, variables: Variables) -> None:
        size = variables.size()
        if size > options().session_limit:
            raise TooLargeError(
                f"The session would be {size} bytes long; SESSION_LIMIT allows {options().session_limit}. "
                "Keep a key to the data in the session, and the data in its own table."
            )
        if size > options().session_warning:
            logger.warning("A session is %s bytes long (SESSION_WARNING is %s).", size, options().session_warning)

    def _lifetime(self, texts: dict[str, str], now: int) -> Lifetime:
        return lifetime_of(texts, options(), self._header.created if self._header else now, now)
