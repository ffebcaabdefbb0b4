"""The pools of blocking connections: redis-py's, without what each command of theirs pays for and nobody here uses."""

from __future__ import annotations

import contextlib
import threading
import time
from queue import Empty, Full
from typing import Any

import redis
import redis.sentinel


class Stack:
    """Those that are free, last come first gone, as redis-py's pools use ``queue.LifoQueue``.

    A list's own methods are whole steps to other threads: nobody takes a lock unless somebody has to wait.
    """

    def __init__(self, maxsize: int) -> None:
        self.queue: list[Any] = []
        self._maxsize = maxsize
        self._changed = threading.Condition()
        self._waiting = 0

    def put_nowait(self, item: Any) -> None:
        """Raise queue.Full."""
        if len(self.queue) >= self._maxsize:
            raise Full
        self.queue.append(item)
        if self._waiting:  # looked at after the append: who waits has looked again after saying so
            with self._changed:
                self._changed.notify()

    put = put_nowait

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 -- queue's signature
        """Raise queue.Empty after the time-out, in seconds (None: never)."""
        try:
            return self.queue.pop()
        except IndexError:
            if not block:
                raise Empty from None
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._waiting += 1
            try:
                return self._awaited(until)
            finally:
                self._waiting -= 1

    def _awaited(self, until: float | None) -> Any:
        while True:
            try:
                return self.queue.pop()
            except IndexError:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise Empty from None
                self._changed.wait(left)


class Pool(redis.BlockingConnectionPool):
    """As redis-py's (which see): bounded, waited for, found out after a fork. It keeps no statistics."""

    def __init__(self, **options: Any) -> None:
        super().__init__(queue_class=Stack, **options)  # type: ignore[no-untyped-call]  # redis-py has none

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        """A connection that is open and has nothing left to read. Raise redis.ConnectionError."""
        self._checkpid()
        try:
            connection = self.pool.get(timeout=self.timeout)
        except Empty:
            raise redis.ConnectionError("No connection available.") from None
        try:
            if connection is None:
                connection = self.make_connection()  # type: ignore[no-untyped-call]  # as above
            if not is_open(connection):
                connection.connect()
            if not is_at_rest(connection):
                connection.disconnect()
                connection.connect()
        except BaseException:
            self.release(connection)
            raise
        return connection

    def release(self, connection: Any) -> None:
        """Take it back; one that is of no use any more is closed, and its place is free."""
        self._checkpid()
        if connection is not None and not self.owns_connection(connection):
            connection.disconnect()
            connection = None
        elif connection is not None and connection.should_reconnect():
            connection.disconnect()
        with contextlib.suppress(Full):
            self.pool.put_nowait(connection)


class SentinelPool(redis.sentinel.SentinelConnectionPool, Pool):
    pass


def is_open(connection: Any) -> bool:
    return connection._sock is not None  # noqa: SLF001 -- connect() looks there, after much else


def is_at_rest(connection: Any) -> bool:
    """Whether nothing is to be read: neither an answer that was left there nor the end."""
    try:
        return not connection.can_read()
    except (redis.ConnectionError, redis.TimeoutError, OSError):
        return False
