"""The feed's periodic work."""

from celery import shared_task
from django.utils import timezone

from support_watch import services


@shared_task(name="support_watch.forget_old_visits")
def forget_old_visits() -> None:
    services.forget_old(now=timezone.now())
