"""A watchdog ends its own process where the process hangs: container engines restart ended processes, not hanging ones.

Progress is a value that changes whenever something was done. It is looked at in turns: a machine that was paused or
asleep, or a clock that was set, uses up one turn and no more.
"""

from __future__ import annotations

import asyncio
import faulthandler
import itertools
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

logger = logging.getLogger(__name__)

TURN = 5.0
"""Seconds between two looks."""
MOST_IDLE = int(os.environ.get("HANG_SECONDS", "120")) / TURN
"""Turns without progress; 0: the watchdog sleeps."""
EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h


def end_process(name: str) -> None:
    """Write the stacks of all threads, and end the process without waiting for any of them."""
    logger.critical("%s made no progress for too long: the process ends itself.", name)
    faulthandler.dump_traceback(all_threads=True)
    sys.stderr.flush()
    os._exit(EXIT_CODE)


class Watchdog:
    """Looks at progress, and ends the process where there was none for MOST_IDLE turns in a row."""

    def __init__(
        self,
        name: str,
        progress: Callable[[], object],
        *,
        turn: float = TURN,
        most_idle: float = MOST_IDLE,
        end: Callable[[str], None] = end_process,
    ) -> None:
        self._name = name
        self._progress = progress
        self._turn = turn
        self._most_idle = most_idle
        self._end = end
        self._stopped = threading.Event()

    def start(self) -> Watchdog:
        """Start to look, in a thread that ends with the process; a limit of 0 starts nothing."""
        if self._most_idle:
            threading.Thread(target=self._run, name="watchdog", daemon=True).start()
        return self

    def stop(self) -> None:
        """Look no more: the process is about to end anyway."""
        self._stopped.set()

    def _run(self) -> None:
        last, idle = object(), 0
        while not self._stopped.wait(self._turn):
            progress = self._look()
            idle = idle + 1 if progress == last else 0
            last = progress
            if idle >= self._most_idle:
                self._end(self._name)
                return

    def _look(self) -> object:
        try:
            return self._progress()
        except Exception as error:  # noqa: BLE001 -- what cannot be judged is not judged
            logger.warning("The watchdog of %s cannot look: %s", self._name, error)
            return object()


class LoopWatchdog:
    """An ASGI application around another one: it ends the node where its event loop runs nothing any more."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._turns = itertools.count()
        self._done = 0
        self._watchdog: Watchdog | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self._watchdog is None:
            self._watchdog = Watchdog("The event loop", self._progress_of(asyncio.get_running_loop())).start()
        await self._application(scope, receive, send)

    def _progress_of(self, loop: asyncio.AbstractEventLoop) -> Callable[[], object]:
        def progress() -> object:
            if loop.is_closed():
                return object()
            seen = self._done
            loop.call_soon_threadsafe(self._tick)
            return seen

        return progress

    def _tick(self) -> None:
        self._done = next(self._turns) + 1
