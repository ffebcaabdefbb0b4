"""Services that start a payment: only one of a checkout is ever open, and a paid one ends it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_noop

from cart.checkout.checkout_request import CheckoutRequest
from cart.checkout.errors import AlreadyPaidError, PaymentError, PaymentReturnedError
from cart.checkout.finalise import close_payment, finalise
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.placing import expire_order, withdraw_order
from cart.checkout.prepare import gateway_of, prepare_order
from cart.models import Cart
from cart.orders.models import Order, Payment
from cart.transactions import in_transaction
from sessions_farm.communities.query_plans import planned

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor


def start_payment(
    *, visitor: Visitor, user: Any, checkout_request: CheckoutRequest, now: datetime, network: str = ""
) -> str | None:
    """Prepare the order and open its charge. Return the payment page's URL, or None for a settled order.

    ``network`` is a digest of the client's (cart.checkout.usage), empty where it tells nothing. Other payments of the
    same checkout or cart, or by another gateway, are closed at theirs before anything is prepared: one that was made
    ends the checkout. A charge that is closed at the gateway is followed by another. Raise AlreadyPaidError, or
    PaymentReturnedError where a payment cannot be kept, the errors of prepare_order, and PaymentError if the gateway
    does not answer; nothing new can be paid then, and the draft stays for a retry.
    """
    gateway = gateway_of(checkout_request)
    for payment in _other_payments(visitor.pk, checkout_request.wish, checkout_request.order_key, gateway.name):
        _close_superseded(payment, now)
    prepare = partial(
        prepare_order, visitor=visitor, user=user, checkout_request=checkout_request, now=now, network=network
    )
    prepared = prepare()
    for payment in prepared.superseded:  # begun meanwhile by another checkout session of this cart
        try:
            _close_superseded(payment, now)
        except (AlreadyPaidError, PaymentReturnedError):
            _abandon(prepared.order, now)
            raise
    if prepared.payment is None:
        return None
    try:
        return _payment_url(prepared.payment)
    except PaymentError as error:
        if not error.permanent:
            raise
    finalise(payment=prepared.payment, now=now)  # closed at the gateway, as by a shopper who left its page
    prepared = prepare()
    return _payment_url(prepared.payment) if prepared.payment else None


def is_paid_later(checkout_request: CheckoutRequest) -> bool:
    """Return whether the chosen way to pay takes the order down at once, and is paid later."""
    return gateway_of(checkout_request).payment_period is not None


@planned
def _other_payments(visitor_id: UUID, wish: str, order_key: str, gateway: str) -> QuerySet[Payment]:
    holders = Cart.objects.filter(visitor=visitor_id).values("held_by")  # perhaps of another checkout session
    of_cart = Q(order__visitor=visitor_id, order__wish=wish) | Q(order__uuid__in=holders)
    same = Q(order__idempotency_key=order_key, gateway=gateway)
    started = Payment.objects.filter(of_cart, state=Payment.State.STARTED, order__pay_by=None).exclude(same)
    return started.select_related("order__marketplace")


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
    if draft is not None and draft.pay_by is not None:
        withdraw_order(draft, gettext_noop("You had paid for these goods already, in another window."))
    elif draft is not None:
        expire_order(draft, now)


def _payment_url(payment: Payment) -> str:
    return get_gateway(payment.gateway).start(
        payment,
        return_url=reverse("checkout:return", args=[payment.gateway]),
        webhook_path=reverse("checkout:webhook", args=[payment.gateway]),
    )
