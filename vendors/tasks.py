"""Background tasks of the catalogue."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="vendors.refresh_cards")
def refresh_cards() -> None:
    """Make the stale cards anew that no page has made yet."""
    from vendors import card_refresh  # noqa: PLC0415 -- app ready

    card_refresh.refresh_all(timezone.now())
