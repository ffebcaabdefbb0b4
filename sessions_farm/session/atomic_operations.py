"""Atomic operations on one variable of a session: the store itself changes it, so no concurrent change is lost."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted

from sessions_farm.session import serializer
from sessions_farm.session.read_only import refuse_write
from sessions_farm.stores import base
from sessions_farm.stores.base import Operation, State, now_ms

if TYPE_CHECKING:
    from sessions_farm.session.variables import Variables
    from sessions_farm.stores.effects.effects import Effects
    from sessions_farm.stores.protocol import Store


class AtomicOperations(SessionBase):
    """The part of SessionStore that changes a variable in the store, at once."""

    if TYPE_CHECKING:  # what SessionStore has
        _session_cache: Variables
        _session_key: str | None
        _state: State | None
        in_grace: bool
        key_hash: str
        modified: bool
        read_only_for: str
        store: Store
        unavailable: bool
        written: bool

        def run_sync[Answer](self, effects: Effects[Answer]) -> Answer: ...
        async def run_async[Answer](self, effects: Effects[Answer]) -> Answer: ...
        def open_effects(self) -> Effects[Variables]: ...
        def load_effects(self) -> Effects[Variables]: ...
        def create_effects(self) -> Effects[None]: ...
        def save_effects(self) -> Effects[None]: ...
        def _create_or_apply_effects(self, variables: Variables, texts: dict[str, str]) -> Effects[None]: ...

    def increment(self, name: str, by: int = 1) -> int:
        """Add to a whole number in the store itself, at once; return the sum. No concurrent addition is lost."""
        return int(self.run_sync(self.modify_effects(base.Increment(name, by))) or 0)

    async def aincrement(self, name: str, by: int = 1) -> int:
        return int(await self.run_async(self.modify_effects(base.Increment(name, by))) or 0)

    def append(self, name: str, item: Any) -> list[Any]:
        """base.Append to a list in the store itself, at once; return the list."""
        text = self.run_sync(self.modify_effects(base.Append(name, serializer.encode(name, item))))
        return list(serializer.decode(text or "[]"))

    async def aappend(self, name: str, item: Any) -> list[Any]:
        text = await self.run_async(self.modify_effects(base.Append(name, serializer.encode(name, item))))
        return list(serializer.decode(text or "[]"))

    def compare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        """Set a variable at once if it still has the expected value (None: absent); return whether it was set."""
        return self.run_sync(self._compare_and_set_effects(name, expected, value))

    async def acompare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        return await self.run_async(self._compare_and_set_effects(name, expected, value))

    def modify_effects(self, operation: Operation) -> Effects[str | None]:
        """Run one operation in the store; where an answer is lost, again under the same idempotency key."""
        variables = yield from self.open_effects()
        variables.require_modifiable(operation)
        if self.read_only_for:
            refuse_write(self.read_only_for, operation.name)
            return variables.pretend(operation)
        idempotency_key = secrets.token_urlsafe(9)
        try:
            yield from self._ensure_live_effects(variables)
            try:
                text = yield from self.store.modify(self.key_hash, operation, now_ms(), idempotency_key)
            except base.StoreUnavailableError:
                text = yield from self.store.modify(self.key_hash, operation, now_ms(), idempotency_key)
        except (base.SessionMissingError, base.SessionEndedError, UpdateError) as error:
            raise SessionInterrupted("The session ended before this request did.") from error
        variables.replace_stored(operation.name, text)
        self.written = True
        return text

    def _compare_and_set_effects(self, name: str, expected: Any, value: Any) -> Effects[bool]:
        texts = [None if given is None else serializer.encode(name, given) for given in (expected, value)]
        try:
            yield from self.modify_effects(base.CompareAndSet(name, *texts))
        except base.ConflictError:
            if not self.read_only_for:
                # The next read shows the value that another request has written.
                self._session_cache = yield from self.load_effects()
            return False
        return True

    def _ensure_live_effects(self, variables: Variables) -> Effects[None]:
        """Store the changes of this request before the store is asked to change the session itself."""
        if self._session_key is None:
            yield from self.create_effects()
        elif self._state is State.ABSENT and not self.unavailable:
            texts = variables.texts()
            variables.require_budget(texts)
            yield from self._create_or_apply_effects(variables, texts)
            variables.settle(texts)
        elif self.modified or self.unavailable or self.in_grace:
            yield from self.save_effects()
