"""Rotation: a new id for a session, taken at the next save in one step with its changes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions_farm.conf import options
from sessions_farm.session import ids, successors
from sessions_farm.session.expiry import lifetime_of
from sessions_farm.stores import base
from sessions_farm.stores.base import Change, Header, State, now_ms
from sessions_farm.stores.effects.effects import InDjangoThread

if TYPE_CHECKING:
    from sessions_farm.session.audience import Audience
    from sessions_farm.session.variables import Variables
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Store


class Rotation(SessionBase):
    """The part of SessionStore that moves a session to another id."""

    if TYPE_CHECKING:  # what SessionStore has
        _cleared: bool
        _digests: list[str]
        _followed: bool
        follows: str
        _header: Header | None
        _modified: bool
        _replaces: str | None
        _session_cache: Variables
        _session_key: str | None
        _state: State | None
        _successor: str
        audience: Audience
        claimed: bool
        has_ended: bool
        in_grace: bool
        key_hash: str
        store: Store
        unavailable: bool

        def open_effects(self) -> Effects[Variables]: ...
        def _apply_once_effects(self, change: Change, now: int) -> Effects[Header]: ...
        def _require_current(self) -> None: ...
        def _require_writable(self, change: str) -> None: ...
        def _take_key(self, session_id: str) -> None: ...

    def cycle_key_effects(self) -> Effects[None]:
        """Choose a new id, to be taken at the next save."""
        self._require_writable("take a new id")
        yield from self.open_effects()
        if self.in_grace and self._session_key:  # it may be the second of two sign-ins at once
            self.follows = successors.unseal(self._session_key, self._successor)
        if self.follows:
            self.in_grace = self.has_ended = False
            self._state = None
        self._require_current()
        if self._session_key and not self.unavailable and not self.follows:
            self._replaces = self._replaces or self._session_key
        self._session_key = self.audience.new_id()
        self.claimed = True
        self._state = self._state or State.ABSENT
        self._modified = True

    def follow_effects(self, *, was_live: bool = False) -> Effects[None]:
        """Take over the session that a concurrent request has rotated, once (successors.py). Raise SessionInterrupted.

        ``was_live``: this request has loaded the session itself, before it was rotated.
        """
        variables = yield from self.open_effects()
        new_id, self.follows = self.follows, ""
        found = yield from successors.find_effects(self.store, new_id, variables, was_live=was_live)
        if found is None:
            self._drop_changes()
            raise SessionInterrupted("Another person has signed in or out while this request was under way.")
        self._take_key(new_id)
        self.key_hash, self._header = found
        self._state, self._followed = State.LIVE, True

    def _begin_effects(self, session_id: str) -> Effects[None]:
        """Store an empty session under an id that is about to be rotated: so of two at once one finds it rotated."""
        self.key_hash, now = ids.digest(session_id), now_ms()
        with suppress(base.KeyTakenError, base.SessionEndedError):
            self._header = yield from self.store.create(self.key_hash, {}, lifetime_of({}, options(), now, now), now)
        self._state = State.LIVE

    def _rotate_effects(self, old_id: str, change: Change, now: int) -> Effects[None]:
        new_id = self._session_key or ""
        new, grace = ids.digest(new_id), options().grace * 1000
        sealed = successors.seal(old_id, new_id)
        try:
            self._header = yield from self.store.rotate(self.key_hash, new, change, now, grace, sealed)
        except base.SessionEndedError:
            reading = yield from self.store.load(self.key_hash, now)
            self.follows, self._replaces = successors.unseal(old_id, reading.successor), None
            if not self.follows:
                raise
            yield from self.follow_effects(was_live=True)
            ours = self._session_cache.change(self._session_cache.texts(), replace=self._cleared)
            change = replace(change, put=ours.put, drop=ours.drop, add=ours.add, holder="")
            self._header = yield from self._apply_once_effects(change, now)
            return
        self.key_hash, self._digests = new, [new]
        if getattr(self.store, "rotates_followers", False) and len(ids.digests_of(self._replaces or "")) == 1:
            self._replaces = None
        else:
            yield from self._carry_followers_effects()

    def _carry_followers_effects(self) -> Effects[None]:
        """Let rows that hang on the old id follow to the new one; an SQL store does that as it rotates."""
        from sessions_farm.stores.sql import followers  # noqa: PLC0415 -- else every site of Redis alone loads SQL

        old, self._replaces = self._replaces or "", None
        if followers.followers():
            yield InDjangoThread(partial(followers.carry, ids.digests_of(old), self.key_hash))

    def _drop_changes(self) -> None:
        """Make this the session of an id in grace again: nothing is saved, and no cookie is sent."""
        self.__dict__.pop("_session_cache", None)
        self._session_key = None
        self._modified = self._cleared = self.claimed = False
        self.in_grace = self.has_ended = True
