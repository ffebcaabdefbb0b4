"""Pools of blocking connections: redis-py's without the costs of locks and statistics for each command."""

from __future__ import annotations

import contextlib
import threading
import time
from queue import Empty, Full
from typing import Any

import redis
import redis.sentinel


class Stack:
    """The free connections of a pool, last in first out, with the methods of ``queue.LifoQueue`` that redis-py uses.

    A list's own methods are atomic for threads: a lock is taken only where a thread has to wait.
    """

    def __init__(self, maxsize: int) -> None:
        self.queue: list[Any] = []
        self._maxsize = maxsize
        self._changed = threading.Condition()
        self._waiting = 0

    def put_nowait(self, item: Any) -> None:
        """Add a connection, and wake one waiter. Raise queue.Full."""
        if len(self.queue) >= self._maxsize:
            raise Full
        self.queue.append(item)
        if self._waiting:  # read after the append: a waiter looks again after it has announced itself
            with self._changed:
                self._changed.notify()

    put = put_nowait

    def get(self, block: bool = True, timeout: float | None = None) -> Any:  # noqa: FBT001, FBT002 -- queue's signature
        """Return the connection that came last. Raise queue.Empty after the time-out in seconds (None: never)."""
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
        """Return the next connection that comes; raise queue.Empty at a moment (monotonic seconds)."""
        while True:
            try:
                return self.queue.pop()
            except IndexError:
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise Empty from None
                self._changed.wait(left)


class Pool(redis.BlockingConnectionPool):
    """redis-py's blocking pool without statistics: bounded, waited for, made anew after a fork."""

    def __init__(self, **options: Any) -> None:
        super().__init__(queue_class=Stack, **options)  # type: ignore[no-untyped-call]  # redis-py has none

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        """Return an open connection that has nothing left to read. Raise redis.ConnectionError."""
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
        """Take a connection back; close one that is of no more use, and free its place."""
        self._checkpid()
        if connection is not None and not self.owns_connection(connection):
            connection.disconnect()
            connection = None
        elif connection is not None and connection.should_reconnect():
            connection.disconnect()
        with contextlib.suppress(Full):
            self.pool.put_nowait(connection)


class SentinelPool(redis.sentinel.SentinelConnectionPool, Pool):
    """The same pool for the primary that Sentinels name."""

    def disconnect(self, inuse_connections: bool = True) -> None:  # noqa: FBT001, FBT002 -- redis-py's signature
        """Close connections; where all are meant, those to the Sentinels too."""
        super().disconnect(inuse_connections)
        if inuse_connections:
            self.sentinel_manager.close()


def is_open(connection: Any) -> bool:
    """Return whether a connection has a socket."""
    return connection._sock is not None  # noqa: SLF001 -- connect() looks there, after much else


def is_at_rest(connection: Any) -> bool:
    """Return whether nothing is to be read from a connection: neither a late answer nor its end."""
    try:
        return not connection.can_read()
    except (redis.ConnectionError, redis.TimeoutError, OSError):
        return False
