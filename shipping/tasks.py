"""Celery's part: an alarm clock. No fact travels in a message; each task looks at the rows."""

from celery import shared_task

from shipping import acks
from shipping.drain import drain as drain_outbox


@shared_task(name="shipping.drain")
def drain() -> None:
    """Work what is due. Any number may run side by side."""
    drain_outbox()


@shared_task(name="shipping.collect_acks")
def collect_acks() -> None:
    """Fetch the acknowledgements that departments leave lying."""
    acks.collect()
