"""Celery tasks of the outbox. Their messages carry no arguments; they read the rows that are due."""

from celery import shared_task
from django.db import connection

from shipping import alarms, presence
from shipping.claim import database_now
from shipping.runner import drain

LOCK = 0x5348_4950  # of PostgreSQL's advisory ones: one drain at a time, so that ticks of beat do not fill the workers


@shared_task(name="shipping.drain_outbox", expires=30, soft_time_limit=90, time_limit=120)
def drain_outbox() -> None:
    """Wake ``dispatchd``; where there is none, send due work and raise alarms in its stead."""
    if presence.is_there():
        presence.wake()
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return
        try:
            drain()
            alarms.send_alarms(database_now())
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
