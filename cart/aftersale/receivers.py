"""Signal receivers of cancellations, refunds and returns."""

from datetime import datetime

from django.dispatch import receiver

from cart.aftersale import returning
from cart.orders.models import Refund
from cart.orders.signals import refund_made


@receiver(refund_made, dispatch_uid="aftersale.end_return")
def on_refund_made(*, refund: Refund, now: datetime, **_: object) -> None:
    """End the return that the refund was for."""
    returning.end_return(refund=refund)
