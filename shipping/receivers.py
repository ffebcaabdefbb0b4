"""Receivers of the signals of orders."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from cart.orders.nudge import nudge
from cart.orders.signals import order_finalising
from shipping import services, tasks


@receiver(order_finalising, dispatch_uid="shipping.write_dispatches")
def on_order_finalising(*, order: Any, now: datetime, **_: object) -> None:
    """Write the order's dispatches in its transaction; wake a worker after the commit."""
    services.write_dispatches(order=order, now=now)
    transaction.on_commit(partial(nudge, tasks.drain_outbox), robust=True)
