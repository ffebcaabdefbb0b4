"""Stores as tests like to read them: a call makes its steps, in this thread or in an event loop, and answers."""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING

from sessions_farm.stores.effects.effects import Blocking, run_async, run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions_farm.stores.effects.effects import Effects

PARTS = ("sql", "redis")  # stores inside stores
OWN = ("_store", "_drive")


class Driven:
    """A store whose methods make their steps; whatever else it has is as it is.

    A plain function that is set in the place of a method becomes a method of one step (``monkeypatch.setattr``).
    """

    def __init__(self, store, drive=run_sync):
        self._store = store
        self._drive = drive

    def __getattr__(self, name):
        found = getattr(self._store, name)
        if name in PARTS:
            return Driven(found, self._drive)
        return DrivenMethod(found, self._drive) if inspect.isroutine(found) else found

    def __setattr__(self, name, value):
        if name in OWN:
            object.__setattr__(self, name, value)
        elif isinstance(value, DrivenMethod):
            setattr(self._store, name, value.method)
        elif is_steps(getattr(self._store, name, None)) and callable(value) and not is_steps(value):
            setattr(self._store, name, as_steps(value))
        else:
            setattr(self._store, name, value)

    def __delattr__(self, name):
        delattr(self._store, name)


class DrivenMethod:
    def __init__(self, method, drive):
        self.method = method
        self.drive = drive

    def __call__(self, *args, **kwargs):
        answer = self.method(*args, **kwargs)
        if hasattr(answer, "run_sync"):
            answer = only(answer)
        return self.drive(answer) if inspect.isgenerator(answer) else answer


class Loop:
    """An event loop in a thread of its own. At its end the loop's own clients end too, as under any server."""

    def __init__(self):
        begun = threading.Event()
        self._thread = threading.Thread(target=asyncio.run, args=[self._main(begun)], name="loop of a test")
        self._thread.start()
        begun.wait()

    def __call__(self, steps: Effects):
        if threading.current_thread() is self._thread:
            raise RuntimeError("A call inside the loop would wait for itself: make it in another thread.")
        return asyncio.run_coroutine_threadsafe(run_async(steps), self._loop).result()

    def close(self):
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    async def _main(self, begun):
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        begun.set()
        await self._ended.wait()


def only(effect):
    """Yield one effect and return its answer."""
    return (yield effect)


def is_steps(method) -> bool:
    return inspect.isgeneratorfunction(method)


def as_steps(function: Callable):
    def method(*args, **kwargs):
        return (yield Blocking(lambda: function(*args, **kwargs)))

    return method
