"""Effects: each store is written once, for threads and event loops, as generators of its round trips and waits.

A method yields each effect and receives its answer; ``run_sync`` waits in the thread, ``run_async`` in the event loop.
psycopg 3 is built the same way (generators, and waiting functions that drive them); see sans-io.readthedocs.io.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from asgiref.sync import sync_to_async
from django.db import connections, transaction

from sessions_farm.stores.effects.round_trips import current

if TYPE_CHECKING:
    from sessions_farm.stores.effects.round_trips import RoundTrips

logger = logging.getLogger(__name__)

_running: set[asyncio.Task[Any]] = set()  # an event loop holds its tasks by weak references only


class Effect(Protocol):
    """One round trip, or one wait."""

    def run_sync(self) -> Any:
        """Perform it in this thread, and block."""

    async def run_async(self) -> Any:
        """Perform it in the running event loop, without blocking."""


type Effects[Answer] = Generator[Effect, Any, Answer]


def run_sync[Answer](effects: Effects[Answer], counter: RoundTrips | None = None) -> Answer:
    """Perform the effects in this thread, and count their round trips; return their result or raise their error."""
    token = None if counter is None else current.set(counter)
    try:
        effect = next(effects)
        while True:
            try:
                answer = effect.run_sync()
            except BaseException as error:  # noqa: BLE001 -- the generator decides on every error
                effect = effects.throw(error)
            else:
                effect = effects.send(answer)
    except StopIteration as stop:
        result: Answer = stop.value
        return result
    finally:
        if token is not None:
            current.reset(token)


async def run_async[Answer](effects: Effects[Answer], counter: RoundTrips | None = None) -> Answer:
    """Perform the effects in the running event loop, as ``run_sync`` does in a thread."""
    token = None if counter is None else current.set(counter)
    try:
        effect = next(effects)
        while True:
            try:
                answer = await effect.run_async()
            except BaseException as error:  # noqa: BLE001 -- as above
                effect = effects.throw(error)
            else:
                effect = effects.send(answer)
    except StopIteration as stop:
        result: Answer = stop.value
        return result
    finally:
        if token is not None:
            current.reset(token)


@dataclass(frozen=True, slots=True)
class InPlace:
    """Work that never waits."""

    work: Callable[[], Any]

    def run_sync(self) -> Any:
        return self.work()

    async def run_async(self) -> Any:
        return self.work()


@dataclass(frozen=True, slots=True)
class Blocking:
    """Work that blocks, as file access does: an event loop gives it a thread."""

    work: Callable[[], Any]

    def run_sync(self) -> Any:
        return self.work()

    async def run_async(self) -> Any:
        return await asyncio.to_thread(self.work)


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait of so many seconds."""

    seconds: float

    def run_sync(self) -> None:
        time.sleep(self.seconds)

    async def run_async(self) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class InDjangoThread:
    """Work with Django's database connections, which belong to threads: an event loop gives it to asgiref's thread."""

    work: Callable[[], Any]

    def run_sync(self) -> Any:
        return self.work()

    async def run_async(self) -> Any:
        return await sync_to_async(self.work)()


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Whether Django has a transaction open in this thread. In an event loop each effect commits by itself."""

    alias: str

    def run_sync(self) -> bool:
        return bool(connections[self.alias].in_atomic_block)

    async def run_async(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class OutsideTransaction:
    """An effect that inside a transaction of Django's is left out, with the answer None."""

    alias: str
    effect: Effect

    def run_sync(self) -> Any:
        return None if connections[self.alias].in_atomic_block else self.effect.run_sync()

    async def run_async(self) -> Any:
        return await self.effect.run_async()


@dataclass(frozen=True, slots=True)
class AfterCommit:
    """Effects to perform once the open transaction has committed; at once where there is none."""

    alias: str
    effects: Callable[[], Effects[None]]

    def run_sync(self) -> None:
        transaction.on_commit(lambda: run_sync(self.effects()), using=self.alias)

    async def run_async(self) -> None:
        await run_async(self.effects())


@dataclass(frozen=True, slots=True)
class Unbroken:
    """Effects that are completed though the request that began them is cancelled."""

    effects: Callable[[], Effects[Any]]

    def run_sync(self) -> Any:
        return run_sync(self.effects())

    async def run_async(self) -> Any:
        task = asyncio.ensure_future(run_async(self.effects()))
        _running.add(task)
        task.add_done_callback(_running.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(log_failure)
            raise


def log_failure(task: asyncio.Task[Any]) -> None:
    """Log the error of a task that is awaited no more."""
    if not task.cancelled() and (error := task.exception()):
        logger.warning("The work that a cancelled request had begun failed: %s", error)
