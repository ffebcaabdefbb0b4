"""Transactions with a lock timeout: they fail soon rather than let a shopper wait for a row lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

from cart.checkout.errors import RowLockTimeoutError

LOCK_TIMEOUT = "3s"


@contextmanager
def transaction_with_lock_timeout() -> Iterator[None]:
    """Open an atomic block with PostgreSQL's lock_timeout. Raise RowLockTimeoutError on a timeout or a deadlock.

    Every transaction locks in the same order: cart, order, stock by primary key, lines.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise RowLockTimeoutError(f"Another transaction held a row lock for more than {LOCK_TIMEOUT}.") from error
        raise
