"""Work about orders that nobody's page waits for."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.utils import timezone

from cart.orders import mail
from cart.orders.models import Order
from cart.orders.nudge import nudge

log = structlog.get_logger(__name__)


def announce_placed(order_id: int) -> None:
    """Have a worker send the confirmation. Where the broker is away the row stays due, and the sweep finds it."""
    nudge(send_placed_mail, order_id)


@shared_task(name="orders.send_placed_mail")
def send_placed_mail(order_id: int) -> None:
    mail.send_placed(order_id=order_id, now=timezone.now())


def send_due_mail() -> int:
    """Send confirmations that no worker was told of; how many were sent."""
    now = timezone.now()
    due = list(Order.objects.mail_due(now).values_list("pk", flat=True)[:50])
    return sum(_try_to_send(order_id) for order_id in due)


def _try_to_send(order_id: int) -> bool:
    try:
        return mail.send_placed(order_id=order_id, now=timezone.now())
    except OSError as error:
        log.warning("order_mail_failed", order=order_id, error=str(error))
        return False
