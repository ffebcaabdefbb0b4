"""One dictionary for every scope: a visitor, an application, a node, the farm (SA-SessionPro, ASP's Application).

They live in the same store as sessions, by the same steps, and end never. What is set is stored at once, one trip;
what is read comes from this node's copy, which is at most ``fresh_for`` seconds old.
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
from typing import Any

from sessions_farm.session import serializer
from sessions_farm.session.locks import LockTimeouts, SessionLock, acquiring
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
    now_ms,
)
from sessions_farm.stores.effects.effects import Effects, run_async, run_sync

FRESH_FOR = 1.0  # seconds
ALWAYS = Lifetime(NEVER, NEVER)


@dataclass(slots=True)
class Copy:
    texts: Mapping[str, str] = field(default_factory=dict)
    read_at: float = float("-inf")


class Scope(MutableMapping[str, Any]):
    """JSON values by name, shared by all who name the same scope; safe for threads.

    ``increment``, ``append`` and ``compare_and_set`` lose no concurrent step; ``lock`` keeps all others who lock out.
    For event loops: ``aget``, ``aset``, ``adelete``, ``aincrement``, ``alock``.
    """

    def __init__(self, kind: str, name: str, *, fresh_for: float = FRESH_FOR) -> None:
        digest = hashlib.sha256(f"{kind}\0{name}".encode()).digest()
        self.key = f"{kind[0]}:{base64.urlsafe_b64encode(digest).decode()[:40]}"
        self._fresh_for = fresh_for
        self._copy = Copy()

    def __getitem__(self, name: str) -> Any:
        return serializer.decode(run_sync(self._texts())[name])

    def __setitem__(self, name: str, value: Any) -> None:
        run_sync(self._writing(Change(put={name: self._encoded(name, value)})))

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        run_sync(self._writing(Change(drop=[name])))

    def __iter__(self) -> Iterator[str]:
        return iter(run_sync(self._texts()))

    def __len__(self) -> int:
        return len(run_sync(self._texts()))

    def update(self, *args: Any, **values: Any) -> None:
        """All of them in one trip."""
        given = dict(*args, **values)
        run_sync(self._writing(Change(put={name: self._encoded(name, value) for name, value in given.items()})))

    def clear(self) -> None:
        run_sync(self._writing(Change(replace=True)))

    def increment(self, name: str, by: int = 1) -> int:
        return int(run_sync(self._modifying(Increment(name, by))) or 0)

    def append(self, name: str, item: Any) -> list[Any]:
        found: list[Any] = serializer.decode(
            run_sync(self._modifying(Append(name, serializer.encode(name, item)))) or "[]"
        )
        return found

    def compare_and_set(self, name: str, expected: Any, value: Any) -> bool:
        """Set it if it still has the expected value (None: none); whether it was set."""
        return run_sync(self._comparing(name, expected, value))

    @contextmanager
    def lock(self, *, wait: float = 10, lease: float = 30) -> Iterator[SessionLock]:
        """Hold the scope as ASP's Application.Lock did. Raise exclusive.Busy after ``wait`` seconds."""
        held = run_sync(acquiring(current_store(), self.key, LockTimeouts(wait, lease)))
        try:
            self.refresh()
            yield held
        finally:
            run_sync(held.releasing())

    @asynccontextmanager
    async def alock(self, *, wait: float = 10, lease: float = 30) -> Any:
        held = await run_async(acquiring(current_store(), self.key, LockTimeouts(wait, lease)))
        try:
            self.refresh()
            yield held
        finally:
            await run_async(held.releasing())

    async def aget(self, name: str, default: Any = None) -> Any:
        text = (await run_async(self._texts())).get(name)
        return default if text is None else serializer.decode(text)

    async def aset(self, name: str, value: Any) -> None:
        await run_async(self._writing(Change(put={name: self._encoded(name, value)})))

    async def adelete(self, name: str) -> None:
        await run_async(self._writing(Change(drop=[name])))

    async def aincrement(self, name: str, by: int = 1) -> int:
        return int(await run_async(self._modifying(Increment(name, by))) or 0)

    def refresh(self) -> None:
        """Read anew at the next need."""
        self._copy = Copy()

    @staticmethod
    def _encoded(name: str, value: Any) -> str:
        serializer.require_name(name)
        return serializer.encode(name, value)

    def _texts(self) -> Effects[Mapping[str, str]]:
        copy = self._copy
        if time.monotonic() - copy.read_at >= self._fresh_for:
            asked = time.monotonic()
            reading = yield from current_store().load(self.key, now_ms())
            copy = self._copy = Copy(reading.variables, asked)
        return copy.texts

    def _writing(self, change: Change) -> Effects[None]:
        yield from self._on_it(lambda: current_store().apply(self.key, change, now_ms()))

    def _modifying(self, operation: Operation) -> Effects[str | None]:
        return (yield from self._on_it(lambda: current_store().modify(self.key, operation, now_ms())))

    def _comparing(self, name: str, expected: Any, value: Any) -> Effects[bool]:
        texts = [None if given is None else self._encoded(name, given) for given in (expected, value)]
        try:
            yield from self._modifying(CompareAndSet(name, *texts))
        except ConflictError:
            return False
        return True

    def _on_it[Answer](self, steps: Callable[[], Effects[Answer]]) -> Generator[Any, Any, Answer]:
        """Do it, after making the dictionary where nobody ever did; the node's copy is old afterwards."""
        try:
            return (yield from steps())
        except SessionMissingError:
            with suppress(KeyTakenError):
                yield from current_store().create(self.key, {}, ALWAYS, now_ms())
            return (yield from steps())
        finally:
            self.refresh()


@lru_cache
def application(name: str = "default") -> Scope:
    """Shared by all nodes that run the application (ASP's Application object)."""
    return Scope("application", name)


@lru_cache
def node() -> Scope:
    """This machine's own."""
    return Scope("node", socket.gethostname())


@lru_cache
def farm() -> Scope:
    """Shared by everything that uses the store."""
    return Scope("farm", "")
