"""Celery tasks of the outbox. Messages carry no arguments; each task reads the rows that are due."""

from celery import shared_task

from shipping import acks
from shipping.drain import drain


@shared_task(name="shipping.drain_outbox")
def drain_outbox() -> None:
    """Send due dispatches. Any number of workers may run it concurrently."""
    drain()


@shared_task(name="shipping.collect_acks")
def collect_acks() -> None:
    """Fetch acknowledgements from the departments' servers."""
    acks.collect()
