"""Background tasks of the checkout."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from vendors.nudge import nudge


def enqueue_refunds() -> None:
    """Enqueue the due refunds; without a broker the sweep makes them."""
    nudge(make_due_refunds)


@shared_task(name="checkout.make_due_refunds")
def make_due_refunds() -> None:
    """Make the refunds that are due."""
    from cart.checkout.sweeping import make_refunds  # noqa: PLC0415 -- app ready

    make_refunds(timezone.now())
