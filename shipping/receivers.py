"""Receivers of the signals of orders."""

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import receiver

from cart.orders.signals import address_changed, goods_cancelled, order_finalising
from shipping import services, tasks
from shipping.models import Action
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


@receiver(address_changed, dispatch_uid="shipping.amend_dispatches")
def on_address_changed(*, consignments: Iterable[Any], now: datetime, **_: object) -> dict[int, bool]:
    """Write the next revisions, with the new address; return by consignment whether its department may have the old."""
    revised = {each.pk: services.revise_dispatch(consignment=each, now=now) for each in consignments}
    transaction.on_commit(partial(nudge, tasks.drain_outbox), robust=True)
    return {pk: dispatch.action != Action.SHIP for pk, dispatch in revised.items() if dispatch}
