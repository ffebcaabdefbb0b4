"""Transactions that would rather fail soon than let a shopper wait for somebody else's lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable

PATIENCE = "3s"


class Busy(Exception):
    """A row that is needed was held by others for too long; nothing was changed, and trying again may help."""


@contextmanager
def impatient_transaction() -> Iterator[None]:
    """An atomic block in which no lock is waited for longer than PATIENCE. Raise Busy where one was.

    Everybody locks in one order: cart, order, stock by primary key, lines.
    """
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise Busy(f"A row was locked by others for more than {PATIENCE}.") from error
        raise
