"""Periodic tasks of the feed."""

from celery import shared_task
from django.utils import timezone

from support_watch import services


@shared_task(name="support_watch.delete_old_visits")
def delete_old_visits() -> None:
    """Delete visits past their retention time."""
    services.delete_old(now=timezone.now())
