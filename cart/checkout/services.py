"""Services that start a payment: only one of a checkout is ever open, and a paid one ends it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from cart.checkout.checkout_request import CheckoutRequest
from cart.checkout.errors import AlreadyPaidError, PaymentReturnedError
from cart.checkout.finalise import close_payment
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.placing import expire_order
from cart.checkout.prepare import PreparedCheckout, prepare_order
from cart.orders.models import Order, Payment
from cart.transactions import in_transaction
from sessions_farm.query_plans import planned

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


def start_payment(
    *, visitor: Visitor, user: Any, checkout_request: CheckoutRequest, now: datetime, network: str = ""
) -> str | None:
    """Prepare the order and open its charge. Return the payment page's URL, or None for a settled order.

    ``network`` is a digest of the client's (cart.checkout.usage), empty where it tells nothing. Payments of the same
    checkout for another cart, amount or address are closed at the gateway first: one that was made ends the checkout.
    Raise AlreadyPaidError then, or PaymentReturnedError where it cannot be kept, the errors of prepare_order, and
    PaymentError if the gateway does not answer; nothing new can be paid then, and the draft stays for a retry.
    """
    for payment in _other_payments(visitor.pk, checkout_request.wish, checkout_request.order_key):
        _close_superseded(payment, now)
    prepared = prepare_order(visitor=visitor, user=user, checkout_request=checkout_request, now=now, network=network)
    for payment in prepared.superseded:  # begun by another checkout session that came to this cart
        try:
            _close_superseded(payment, now)
        except (AlreadyPaidError, PaymentReturnedError):
            _abandon(prepared.order, now)
            raise
    return _payment_url(prepared) if prepared.payment else None


@planned
def _other_payments(visitor_id: UUID, wish: str, order_key: str) -> QuerySet[Payment]:
    started = Payment.objects.filter(order__visitor=visitor_id, order__wish=wish, state=Payment.State.STARTED)
    return started.exclude(order__idempotency_key=order_key).select_related("order__marketplace")


def _close_superseded(payment: Payment, now: datetime) -> None:
    order = close_payment(payment, now)
    if order.state == Order.State.PLACED:
        raise AlreadyPaidError(order)
    if order.payments.filter(pk=payment.pk, state__in=Payment.RETURNED).exists():
        raise PaymentReturnedError(order)


@in_transaction
def _abandon(order: Order, now: datetime) -> None:
    """Expire a draft that was prepared beside a paid order; the sweeper closes its payment."""
    draft = Order.objects.select_for_update(no_key=True).filter(pk=order.pk, state=Order.State.DRAFT).first()
    if draft is not None:
        expire_order(draft, now)


def _payment_url(prepared: PreparedCheckout) -> str:
    payment = prepared.payment
    if payment is None:
        raise ValueError(f"Nothing is left to pay of order {prepared.order.number}.")
    return get_gateway(payment.gateway).start(
        payment,
        return_url=reverse("checkout:return", args=[payment.gateway]),
        webhook_path=reverse("checkout:webhook", args=[payment.gateway]),
    )
