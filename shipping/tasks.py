"""Celery tasks of the outbox. Their messages carry no arguments; they read the rows that are due."""

from celery import shared_task

from shipping import alarms, presence, script_runs
from shipping.claim import database_now
from shipping.lease import leased
from shipping.runner import drain

LIMIT = 120  # seconds, after which Celery kills the task's process


@shared_task(name="shipping.drain_outbox", soft_time_limit=90, time_limit=LIMIT)
def drain_outbox() -> None:
    """Wake ``dispatchd``; where there is none, send due work and raise alarms in its stead."""
    if presence.is_there():
        presence.wake()
        return
    with leased("shipping.drain", LIMIT) as is_ours:  # so that ticks of beat do not fill the workers
        if is_ours:
            drain()
            now = database_now()
            script_runs.settle(now=now)
            alarms.send_alarms(now)
