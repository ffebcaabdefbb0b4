"""The staff's WebSocket: one of the two ways of a screen to the feed."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from support_watch import limits
from support_watch.access import SessionAccess, SessionUnavailableError
from support_watch.delivery import Delivery
from support_watch.guard import End, Guard
from support_watch.hub import current_hub
from support_watch.topics import as_position

logger = logging.getLogger(__name__)
BAD_MESSAGE, TOO_BIG = 4400, 1009


class WatchConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket of a staff page. Operations of the client: sub and resync (``last``: epoch and seq), unsub."""

    async def connect(self) -> None:
        self.guard: Guard | None = None
        self.delivery: Delivery | None = None
        self.sending: asyncio.Task[None] | None = None
        self.tasks: list[asyncio.Task[None]] = []
        self.operations: list[float] = []
        access = SessionAccess(self.scope["session"], self.scope["url_route"]["kwargs"]["slug"])
        try:
            watcher = await database_sync_to_async(access.check)()
        except (DatabaseError, SessionUnavailableError):
            watcher = None
        if watcher is None:
            await self.close()  # before accept: the handshake is answered 403
            return
        await self.accept()
        guard = Guard(access, current_hub(), watcher)
        if not await guard.enter():
            await self.close(End.TOO_MANY.value)
            return
        self.guard = guard
        self.delivery = Delivery(guard.hub, watcher.vendor_id, self._send_json)
        self._start(self._close_at_the_end(guard))

    async def disconnect(self, code: int) -> None:
        await self._stop(self.tasks)
        if self.guard is not None and self.delivery is not None:
            await self.delivery.unsubscribe()
            await self.guard.leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if len((text_data or "").encode()) > limits.MESSAGE_BYTES or bytes_data is not None:
            await self._close(TOO_BIG)
        elif self._exceeds_rate_limit():
            await self._close(End.TOO_MANY.value)
        elif self.delivery is not None:
            await self._handle_operation(self.delivery, text_data or "")

    async def _handle_operation(self, delivery: Delivery, text: str) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"op": "sub" | "resync", **rest}:
                await delivery.subscribe(as_position(rest.get("last")))
                if self.sending is None:
                    self.sending = self._start(self._send_loop(delivery))
            case {"op": "unsub"}:
                if self.sending is not None:
                    await self._stop([self.sending])
                    self.sending = None
                await delivery.unsubscribe()
            case _:
                await self._close(BAD_MESSAGE)

    def _exceeds_rate_limit(self) -> bool:
        now = time.monotonic()
        self.operations = [*(at for at in self.operations if at > now - 1), now]
        return len(self.operations) > limits.OPERATIONS_PER_SECOND

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self.tasks.append(task)
        return task

    async def _stop(self, tasks: list[asyncio.Task[None]]) -> None:
        current = asyncio.current_task()
        others = [task for task in tasks if task is not current]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _close(self, code: int) -> None:
        """Stop sending, then close the socket."""
        await self._stop(self.tasks)
        with suppress(OSError):  # the client went first
            await self.close(code)

    async def _send_loop(self, delivery: Delivery) -> None:
        try:
            await delivery.run()
        except OSError:  # ASGI's signal that the client has gone
            await self._close(End.TRY_LATER.value)
        except Exception:
            logger.exception("A staff socket failed and is closed; its page will reconnect.")
            await self._close(End.TRY_LATER.value)

    async def _close_at_the_end(self, guard: Guard) -> None:
        await self._close((await guard.wait_for_end()).value)

    async def _send_json(self, message: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(message, separators=(",", ":")))
