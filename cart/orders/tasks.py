"""Background tasks of orders."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from cart.orders import mail
from cart.orders.models import Order
from cart.orders.nudge import nudge

logger = logging.getLogger(__name__)


def enqueue_confirmation(order_id: int) -> None:
    """Enqueue the confirmation; without a broker the row stays due, and the sweep sends it."""
    nudge(send_confirmation, order_id)


@shared_task(name="orders.send_confirmation")
def send_confirmation(order_id: int) -> None:
    """Send the confirmation of an order."""
    mail.send_order_confirmation(order_id=order_id, now=timezone.now())


def send_due_confirmations() -> int:
    """Send the confirmations missed by the workers; return the number sent."""
    now = timezone.now()
    due = list(Order.objects.mail_due(now).values_list("pk", flat=True)[:50])
    return sum(_try_to_send(order_id) for order_id in due)


def _try_to_send(order_id: int) -> bool:
    try:
        return mail.send_order_confirmation(order_id=order_id, now=timezone.now())
    except OSError as error:
        logger.warning("Confirmation of order %d failed: %s", order_id, error)
        return False
