"""The guard of a staff screen, socket or stream alike: its slot, and its access as long as it is open."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from enum import Enum

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from support_watch import access, claims, limits
from support_watch.access import Access, Watcher
from support_watch.hub import Hub


class End(Enum):
    """List the causes for which a screen is closed, by the close code of a socket."""

    FORBIDDEN = 4403
    SIGNED_OUT = 4401
    TOO_MANY = 4429
    TRY_LATER = 1013


class Guard:
    """Hold one of the watcher's slots and check the access: every RECHECK_SECONDS, and at once when it has changed.

    A hub that reads a change of permissions sets ``changed``; ``signed_out`` if the session itself has ended.
    """

    def __init__(self, access_of: Access, hub: Hub, watcher: Watcher) -> None:
        self.access = access_of
        self.hub = hub
        self.watcher = watcher
        self.screen = secrets.token_urlsafe(9)
        self.changed = asyncio.Event()
        self.signed_out = False

    async def enter(self) -> bool:
        """Acquire a slot and listen for changes of permissions; return False if all slots are taken."""
        if not await self._hold_slot():
            return False
        self.hub.guards.add(self)
        self.changed.set()  # a change since the access was read, and before this, is found by a check at once
        return True

    async def leave(self) -> None:
        """Give the slot back."""
        self.hub.guards.discard(self)
        with suppress(RedisError):  # the slot then expires
            await access.release_slot(self.hub.client, self.watcher, self.screen)

    def is_of(self, *, user: str, session: str) -> bool:
        """Return whether a change of permissions of a user or a session is about this screen."""
        watcher = self.watcher
        return (bool(user) and user == str(watcher.user_id)) or (bool(session) and session == watcher.session)

    async def wait_for_end(self) -> End:
        """Return when the screen must be closed, with the cause."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(limits.RECHECK_SECONDS):
                    await self.changed.wait()
            self.changed.clear()
            if end := await self._end_now():
                return end

    async def _end_now(self) -> End | None:
        if self.signed_out:
            return End.SIGNED_OUT
        try:
            watcher = await database_sync_to_async(self.access.check)()
            if watcher is not None and watcher.user_id is not None:
                await database_sync_to_async(claims.renew)(user_id=watcher.user_id, now=timezone.now())
        except (DatabaseError, access.SessionUnavailableError):
            return End.TRY_LATER
        if watcher is None or watcher.holder != self.watcher.holder:
            return End.FORBIDDEN
        await self._hold_slot()
        return None

    async def _hold_slot(self) -> bool:
        try:
            return await access.acquire_slot(self.hub.client, self.watcher, self.screen)
        except RedisError:
            return True  # without Redis there are no events, and the page should show that
