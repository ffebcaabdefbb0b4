"""Dictionaries with a wider scope than a session: application, node, farm (SA-SessionPro, ASP's Application).

They live in the same store as sessions, by the same effects, and never expire. A write is stored at once, in one round
trip; a read comes from this node's cache, which is at most ``fresh_for`` seconds old.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sessions_farm.session import serializer
from sessions_farm.session.locks import LockTimeouts, SessionLock, acquire_effects
from sessions_farm.stores import current_store
from sessions_farm.stores.base import (
    NEVER,
    Append,
    Change,
    CompareAndSet,
    ConflictError,
    Increment,
    KeyTakenError,
    Lifetime,
    Operation,
    SessionMissingError,
)
from sessions_farm.stores.effects.effects import Effects, run_async, run_sync
from sessions_farm.stores.store_time import now_effects

if TYPE_CHECKING:
    from sessions_farm.stores.protocol import Store

FRESH_FOR = 1.0  # seconds
ALWAYS = Lifetime(NEVER, NEVER)


@dataclass(slots=True)
class CachedTexts:
    texts: Mapping[str, str] = field(default_factory=dict)
    read_at: float = float("-inf")


class Scope(MutableMapping[str, Any]):
    """JSON values by name, shared by all users of the same scope; safe for threads.

    ``increment``, ``append`` and ``compare_and_set`` lose no concurrent change; ``lock`` excludes all others that lock.
    For event loops: ``aget``, ``aset``, ``adelete``, ``aincrement``, ``alock``.
    """

    def __init__(self, kind: str, name: str, *, fresh_for: float = FRESH_FOR) -> None:
        digest = hashlib.sha256(f"{kind}\0{name}".encode()).digest()
        self.key = f"{kind[0]}:{base64.urlsafe_b64encode(digest).decode()[:40]}"
        self._fresh_for = fresh_for
        self._copy = CachedTexts()

    def __getitem__(self, name: str) -> Any:
        return serializer.decode(run_sync(self._texts_effects())[name])

    def __setitem__(self, name: str, value: Any) -> None:
        run_sync(self._apply_effects(Change(put={name: self._encoded(name, value)})))

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        run_sync(self._apply_effects(Change(drop=[name])))

    def __iter__(self) -> Iterator[str]:
        return iter(run_sync(self._texts_effects()))

    def __len__(self) -> int:
        return len(run_sync(self._texts_effects()))

    def update(self, *args: Any, **values: Any) -> None:
        """Set several values in one round trip."""
        given = dict(*args, **values)
        run_sync(self._apply_effects(Change(put={name: self._encoded(name, value) for name, value in given.items()})))

    def clear(self) -> None:
        run_sync(self._apply_effects(Change(replace=True)))

    def increment(self, name: str, by: int = 1) -> int:
        return int(run_sync(self._modify_effects(Increment(name, by))) or 0)

    def append(self, name: str, item: Any) -> list[Any]:
        found: list[Any] = serializer.decode(
            run_sync(self._modify_effects(Append(name, serializer.encode(name, item)))) or "[]"
        )
        return found

    def compare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        """Set a value if the expected one (None: absent) still stands; return whether it was set."""
        return run_sync(self._compare_and_set_effects(name, expected, value))

    @contextmanager
    def lock(self, *, wait: float = 10, lease: float = 30) -> Iterator[SessionLock]:
        """Hold the scope as ASP's Application.Lock did. Raise LockTimeoutError after ``wait`` seconds."""
        held = run_sync(acquire_effects(current_store(), self.key, LockTimeouts(wait, lease)))
        try:
            self.refresh()
            yield held
        finally:
            run_sync(held.release_effects())

    @asynccontextmanager
    async def alock(self, *, wait: float = 10, lease: float = 30) -> Any:
        held = await run_async(acquire_effects(current_store(), self.key, LockTimeouts(wait, lease)))
        try:
            self.refresh()
            yield held
        finally:
            await run_async(held.release_effects())

    async def aget(self, name: str, default: Any = None) -> Any:
        text = (await run_async(self._texts_effects())).get(name)
        return default if text is None else serializer.decode(text)

    async def aset(self, name: str, value: Any) -> None:
        await run_async(self._apply_effects(Change(put={name: self._encoded(name, value)})))

    async def adelete(self, name: str) -> None:
        await run_async(self._apply_effects(Change(drop=[name])))

    async def aincrement(self, name: str, by: int = 1) -> int:
        return int(await run_async(self._modify_effects(Increment(name, by))) or 0)

    def refresh(self) -> None:
        """Forget this node's cache."""
        self._copy = CachedTexts()

    @staticmethod
    def _encoded(name: str, value: Any) -> str:
        serializer.require_name(name)
        return serializer.encode(name, value)

    def _texts_effects(self) -> Effects[Mapping[str, str]]:
        copy = self._copy
        if time.monotonic() - copy.read_at >= self._fresh_for:
            asked = time.monotonic()
            store = current_store()
            reading = yield from store.load(self.key, (yield from now_effects(store)))
            copy = self._copy = CachedTexts(reading.variables, asked)
        return copy.texts

    def _apply_effects(self, change: Change) -> Effects[None]:
        yield from self._created_if_missing(lambda store, now: store.apply(self.key, change, now))

    def _modify_effects(self, operation: Operation) -> Effects[str | None]:
        return (yield from self._created_if_missing(lambda store, now: store.modify(self.key, operation, now)))

    def _compare_and_set_effects(self, name: str, expected: Any, value: Any) -> Effects[bool]:
        texts = [None if given is None else self._encoded(name, given) for given in (expected, value)]
        try:
            yield from self._modify_effects(CompareAndSet(name, *texts))
        except ConflictError:
            return False
        return True

    def _created_if_missing[Answer](
        self, effects: Callable[[Store, int], Effects[Answer]]
    ) -> Generator[Any, Any, Answer]:
        """Run the effects, after creating the dictionary where there is none; forget the node's cache."""
        store = current_store()
        now = yield from now_effects(store)
        try:
            return (yield from effects(store, now))
        except SessionMissingError:
            with suppress(KeyTakenError):
                yield from store.create(self.key, {}, ALWAYS, now)
            return (yield from effects(store, now))
        finally:
            self.refresh()


@lru_cache
def application(name: str = "default") -> Scope:
    """Return the scope of all nodes that run an application (ASP's Application object)."""
    return Scope("application", name)


@lru_cache
def node() -> Scope:
    """Return the scope of this machine alone."""
    return Scope("node", socket.gethostname())


@lru_cache
def farm() -> Scope:
    """Return the scope of everything that uses the store."""
    return Scope("farm", "")
