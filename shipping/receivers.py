"""What shipping does when the layers below tell of something."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from cart.orders.nudge import nudge
from cart.orders.signals import order_finalising
from shipping import services, tasks


@receiver(order_finalising, dispatch_uid="shipping.write_dispatches")
def write_dispatches(*, order: Any, now: datetime, **_: object) -> None:
    services.write_dispatches(order=order, now=now)
    transaction.on_commit(partial(nudge, tasks.drain), robust=True)
