"""Every store by its name, in threads and in event loops: what the tests of Django's expectations share."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from sessions_farm.session.session import SessionStore
from sessions_farm.stores import NAMED
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

NEED_REDIS = {"redis", "tiered"}
SERVED = [name for name in NAMED if REDIS_URL or name not in NEED_REDIS]
# Where Django's names for the two are not "x" and "ax".
SYNC_NAMES = {"set": "__setitem__"}


# As parameters: the name of a store and a way. ``tiered`` has no tier inside a transaction, and an event loop may have
# a connection of its own. To empty the farm's own tables alone is what makes hundreds of such tests bearable.
COMMITTED = {("tiered", "sync"), ("tiered", "async"), ("database", "async")}
IN_FARM = pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])
BOTH_WAYS = [
    pytest.param(pair, id="-".join(pair), marks=IN_FARM if pair in COMMITTED else pytest.mark.django_db)
    for pair in itertools.product(SERVED, ("sync", "async"))
]


def farm_settings(name: str, folder: object) -> dict[str, Any]:
    """A generous time-out: a busy machine is not a broken Redis."""
    return {
        "STORE": name,
        "FOLDER": str(folder),
        "REDIS_URL": REDIS_URL,
        "REDIS_PREFIX": "farm-tests",
        "REDIS_TIMEOUT": 5,
    }


class Told:
    """A session each of whose methods is awaited: in a thread it is Django's sync one, in a loop its async twin.

    ``session`` is the session itself, for its attributes and for what has no twin.
    """

    def __init__(self, session: SessionStore, way: str) -> None:
        self.session = session
        self._way = way

    def __getattr__(self, name: str) -> Callable[..., Any]:
        in_thread = self._way == "sync"
        method = getattr(self.session, SYNC_NAMES.get(name, name) if in_thread else f"a{name}")

        async def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            assert inspect.isawaitable(answer) is not in_thread, f"{name} is not what it is called"
            return answer if in_thread else await answer

        return call

    @property
    def key(self) -> str | None:
        return self.session.session_key

    @property
    def marks(self) -> tuple[bool, bool]:
        """Whether it was accessed, and modified."""
        return self.session.accessed, self.session.modified

    def unmark(self) -> None:
        self.session.accessed = self.session.modified = False


class Farm:
    """Makes sessions in one of the two ways."""

    def __init__(self, way: str) -> None:
        self.way = way

    def run(self, test: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run a coroutine function: in an event loop, or in this thread, where it has nothing to wait for."""
        if self.way == "async":
            async_to_sync(test)(*args, **kwargs)
            return
        with pytest.raises(StopIteration):
            test(*args, **kwargs).send(None)

    def __call__(self, key: str | None = None) -> Told:
        return Told(SessionStore(key), self.way)

    async def saved(self, /, **variables: Any) -> Told:
        session = self()
        await session.update(variables)
        await session.save()
        return session

    async def stored(self, key: str | None) -> dict[str, Any]:
        """What another request finds under the key."""
        return dict(await self(key).items())


def in_both_ways(test: Callable[..., Any]) -> Callable[..., None]:
    """Make a test of a coroutine function that has a ``farm`` among its fixtures."""

    @functools.wraps(test)
    def walk(*, farm: Farm, **fixtures: Any) -> None:
        farm.run(test, farm=farm, **fixtures)

    return walk
