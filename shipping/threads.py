"""Blocking calls beside an event loop, each in a thread that can be abandoned."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

MOST = 256
"""Threads that may hang at once; a call that finds so many fails at once."""

_hanging = threading.BoundedSemaphore(MOST)


async def run_abandonable[Result](call: Callable[..., Result], *arguments: Any) -> Result:
    """Run a blocking call; a cancelled wait leaves its thread behind, which ends with the call or the process.

    An executor's few threads would all hang in a slow name server, and everybody's look-ups with them.
    """
    if not _hanging.acquire(blocking=False):
        raise OSError(f"{MOST} look-ups hang already; this one was not begun.")
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = call(*arguments)
        except Exception as error:  # noqa: BLE001 -- raised again where it is awaited
            settle(future.set_exception, error)
        else:
            settle(future.set_result, result)
        finally:
            _hanging.release()

    def settle(setter: Callable[[Any], None], value: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(lambda: None if future.done() else setter(value))

    threading.Thread(target=run, name="shipping-call", daemon=True).start()
    return await future
