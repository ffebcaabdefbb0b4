"""Transactions of cart and checkout: one order of locks, a lock timeout, and another try after a conflict.

Every service locks in this order, so no two wait for each other: visitors, carts (by primary key), orders, payments,
stock (by primary key), then lines of carts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

LOCK_TIMEOUT = "3s"
ATTEMPTS = 3


class RowLockTimeoutError(Exception):
    """Report a row lock held by another transaction for too long; trying again may help."""


@contextmanager
def transaction_with_lock_timeout() -> Iterator[None]:
    """Open an atomic block with PostgreSQL's lock_timeout: it fails soon rather than let a shopper wait for a row lock.

    Raise RowLockTimeoutError on a timeout, a deadlock or a serialization failure; nothing was changed then.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            yield
    except OperationalError as error:
        if is_conflict(error):
            raise RowLockTimeoutError(f"Another transaction was in the way: {error.__cause__}") from error
        raise


def is_conflict(error: BaseException) -> bool:
    """Return whether another transaction was in the way; the database itself is well, and trying again may help."""
    is_refused = isinstance(error.__cause__, LockNotAvailable | DeadlockDetected | SerializationFailure)
    return is_refused or isinstance(error, RowLockTimeoutError)


def in_transaction[**Parameters, Result](service: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Run a service in a transaction with a lock timeout, up to ATTEMPTS times where another is in the way.

    Inside a caller's transaction once, for only the whole can be tried again. The service raises RowLockTimeoutError in
    the end.
    """

    @functools.wraps(service)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        attempts = 1 if connection.in_atomic_block else ATTEMPTS
        for attempt in range(1, attempts + 1):
            try:
                with transaction_with_lock_timeout():
                    return service(*args, **kwargs)
            except RowLockTimeoutError:
                if attempt == attempts:
                    raise
        raise AssertionError("unreachable")

    return run
