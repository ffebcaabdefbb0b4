"""Steps that know of transactions and of tasks: when copies may follow, and what may not be left half done."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from sessions_farm.stores.effects.effects import run_async, run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_farm.stores.effects.effects import Effect, Effects

logger = logging.getLogger(__name__)

_under_way: set[asyncio.Task[Any]] = set()  # the loop itself keeps no task alive


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Whether this thread is inside a transaction of Django's. The store's own in an event loop end with their step."""

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
    """Steps that are made once the transaction has come true: at once where there is none."""

    alias: str
    steps: Callable[[], Effects[None]]

    def run_sync(self) -> None:
        transaction.on_commit(lambda: run_sync(self.steps()), using=self.alias)

    async def run_async(self) -> None:
        await run_async(self.steps())


@dataclass(frozen=True, slots=True)
class Unbroken:
    """Steps that go on to their end though the request that began them is cancelled."""

    steps: Callable[[], Effects[Any]]

    def run_sync(self) -> Any:
        return run_sync(self.steps())

    async def run_async(self) -> Any:
        task = asyncio.ensure_future(run_async(self.steps()))
        _under_way.add(task)
        task.add_done_callback(_under_way.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(tell_failure)
            raise


def unbroken[Answer](steps: Callable[[], Effects[Answer]]) -> Effects[Answer]:
    """The same as one step of the caller's."""
    answer: Answer = yield Unbroken(steps)
    return answer


def tell_failure(task: asyncio.Task[Any]) -> None:
    """Nobody waits for it any more."""
    if not task.cancelled() and (error := task.exception()):
        logger.warning("What a cancelled request had begun failed: %s", error)
