"""Receivers of the apps' signals."""

from django.dispatch import receiver

from cart.orders.signals import order_placed
from mall import metrics


@receiver(order_placed, dispatch_uid="mall.count_order")
def count_order(**_: object) -> None:
    """Count a placed order."""
    metrics.ORDERS.inc()
