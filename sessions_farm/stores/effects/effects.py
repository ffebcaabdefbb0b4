"""Every store is written once, for threads and for event loops: as a generator of the trips that it makes.

A store's method says which trips it makes and what it makes of their answers, and never how one waits; ``run`` waits
in the thread, ``run_async`` in the event loop. (The idea is that of libraries "without I/O": sans-io.readthedocs.io.)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from asgiref.sync import sync_to_async


class Effect(Protocol):
    """One trip, or one wait."""

    def run_sync(self) -> Any:
        """Make it here, and block."""

    async def run_async(self) -> Any:
        """Make it in the running event loop, and let others go on."""


type Effects[Answer] = Generator[Effect, Any, Answer]


def run_sync[Answer](steps: Effects[Answer]) -> Answer:
    """Make every step in this thread; return what the steps return, raise what they raise."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step.run_sync()
            except BaseException as error:  # noqa: BLE001 -- the steps decide what an error means
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        found: Answer = stop.value
        return found


async def run_async[Answer](steps: Effects[Answer]) -> Answer:
    """The same in the running event loop."""
    try:
        step = next(steps)
        while True:
            try:
                answer = await step.run_async()
            except BaseException as error:  # noqa: BLE001 -- as above
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as stop:
        found: Answer = stop.value
        return found


@dataclass(frozen=True, slots=True)
class InPlace:
    """Work that waits for nobody."""

    work: Callable[[], Any]

    def run_sync(self) -> Any:
        return self.work()

    async def run_async(self) -> Any:
        return self.work()


@dataclass(frozen=True, slots=True)
class Blocking:
    """Work that knows no event loop, as files do: under one it goes to a thread of its own."""

    work: Callable[[], Any]

    def run_sync(self) -> Any:
        return self.work()

    async def run_async(self) -> Any:
        return await asyncio.to_thread(self.work)


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float

    def run_sync(self) -> None:
        time.sleep(self.seconds)

    async def run_async(self) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(frozen=True, slots=True)
class InDjangoThread:
    """Work with Django's own database connections, which belong to threads: under an event loop, to asgiref's."""

    work: Callable[[], Any]

    def run_sync(self) -> Any:
        return self.work()

    async def run_async(self) -> Any:
        return await sync_to_async(self.work)()
