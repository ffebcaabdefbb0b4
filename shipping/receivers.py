"""Receivers of the signals of orders."""

from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from cart.orders.signals import buyers_erased, contact_changed, goods_cancelled, order_finalising
from shipping import services, tasks
from vendors.nudge import nudge


@receiver(order_finalising, dispatch_uid="shipping.write_dispatches")
def on_order_finalising(*, order: Any, now: datetime, **_: object) -> None:
    """Write the order's dispatches in its transaction; wake a worker after the commit."""
    services.write_dispatches(order=order, now=now)
    transaction.on_commit(partial(nudge, tasks.drain_outbox), robust=True)


@receiver(goods_cancelled, dispatch_uid="shipping.cancel_dispatch")
def on_goods_cancelled(*, consignment: Any, now: datetime, **_: object) -> None:
    """Write the next revision of a consignment's dispatch, or end it, in the transaction that cancels goods."""
    services.revise_dispatch(consignment=consignment, now=now)
    transaction.on_commit(partial(nudge, tasks.drain_outbox), robust=True)


@receiver(contact_changed, dispatch_uid="shipping.change_recipient")
def on_contact_changed(*, order: Any, is_postal: bool, now: datetime, **_: object) -> None:
    """Revise the order's dispatches, in the transaction that changes its address."""
    services.change_recipient(order=order, is_postal=is_postal, now=now)
    transaction.on_commit(partial(nudge, tasks.drain_outbox), robust=True)


@receiver(buyers_erased, dispatch_uid="shipping.delete_dispatches")
def on_buyers_erased(*, orders: list[int], **_: object) -> None:
    """Delete the dispatches of erased buyers."""
    services.delete_dispatches(orders=orders)
