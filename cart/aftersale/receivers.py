"""Signal receivers of cancellations, refunds and returns."""

from datetime import datetime

from django.dispatch import receiver

from cart.aftersale import returning
from cart.aftersale.models import ContactChange, Return
from cart.orders.models import Order, Refund
from cart.orders.signals import buyers_erased, refund_made
from vendors import reviews


@receiver(refund_made, dispatch_uid="aftersale.end_return")
def on_refund_made(*, refund: Refund, now: datetime, **_: object) -> None:
    """End the return that the refund was for."""
    returning.end_return(refund=refund)


@receiver(buyers_erased, dispatch_uid="aftersale.erase_buyers")
def on_buyers_erased(*, orders: list[int], **_: object) -> None:
    """Erase the reasons that the shoppers wrote, the addresses that they changed, and their names at reviews."""
    ContactChange.objects.filter(order__in=orders).delete()
    Return.objects.filter(consignment__order__in=orders).update(why="")
    reviews.forget_writers(list(Order.objects.filter(pk__in=orders).values_list("uuid", flat=True)))
