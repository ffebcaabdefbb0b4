"""Effects that depend on transactions and tasks: work after the commit, and work that a cancelled request completes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from sessions_farm.stores.effects.effects import run_async, run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_farm.stores.effects.effects import Effects

logger = logging.getLogger(__name__)

_running: set[asyncio.Task[Any]] = set()  # an event loop holds its tasks by weak references only


@dataclass(frozen=True, slots=True)
class InTransaction:
    """Whether Django has a transaction open in this thread. In an event loop each effect commits by itself."""

    alias: str

    def run_sync(self) -> bool:
        return bool(connections[self.alias].in_atomic_block)

    async def run_async(self) -> bool:
        return False


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


def unbroken[Answer](effects: Callable[[], Effects[Answer]]) -> Effects[Answer]:
    """Return the effects as one that survives a cancellation (see Unbroken)."""
    answer: Answer = yield Unbroken(effects)
    return answer


def log_failure(task: asyncio.Task[Any]) -> None:
    """Log the error of a task that is awaited no more."""
    if not task.cancelled() and (error := task.exception()):
        logger.warning("The work that a cancelled request had begun failed: %s", error)
