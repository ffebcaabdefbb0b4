"""The presence of ``dispatchd``: its row says that it is there, a notification of PostgreSQL wakes it."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from sessions_farm.stores.sql.poolers import is_behind_pooler
from shipping.claim import database_now
from shipping.models import RunnerPresence

CHANNEL = "shipping_due"
LATELY = timedelta(seconds=20)
FORGOTTEN = timedelta(days=1)

_listening: list[Any] = []  # the connection that listens; another one after the database was away


def note(name: str, now: datetime) -> None:
    """Write that a ``dispatchd`` is there; forget the ones of long ago."""
    RunnerPresence.objects.update_or_create(name=name[:80], defaults={"seen_at": now})
    RunnerPresence.objects.filter(seen_at__lt=now - FORGOTTEN).delete()


def is_there() -> bool:
    """Return True where a ``dispatchd`` was seen lately."""
    return RunnerPresence.objects.filter(seen_at__gt=database_now() - LATELY).exists()


def wake() -> None:
    """Wake each ``dispatchd`` that waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def wait(seconds: float) -> None:
    """Wait to be woken, ``seconds`` at most; that long behind a pooler, which passes on no notifications."""
    if is_behind_pooler(connection.alias):
        return time.sleep(seconds)
    connection.ensure_connection()
    if _listening != [connection.connection]:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        _listening[:] = [connection.connection]
    with connection.wrap_database_errors:
        for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
            pass
    return None
