"""The first phase of a checkout: turn a cart into a draft order with its goods on hold, in one locked transaction."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, When

from cart.checkout.checkout_request import (
    ADDRESS_FIELDS,
    Agreement,
    CheckoutRequest,
    destination_in,
    make_review_key,
)
from cart.checkout.errors import (
    AlreadyPaidError,
    CartChangedError,
    CartNotBuyableError,
    DraftExpiredError,
    Increase,
    PriceIncreasedError,
)
from cart.checkout.limits import Admission
from cart.checkout.payments.base import Gateway
from cart.checkout.payments.gateways import first_gateway, get_gateway
from cart.checkout.placing import confirm_order, expire_order, place_order
from cart.checkout.usage import Who, admit_checkout, limit_awaited
from cart.models import Cart, Line
from cart.orders.models import RETURN_GRACE, Consignment, Order, OrderLine, Payment
from cart.orders.numbering import new_number
from cart.pricing import ConsignmentDraft, PricedLine, quantities_by_variant
from cart.services import carts_of_purchase
from cart.summary import CartSummary, summarise_cart
from cart.transactions import in_transaction
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.query_plans import planned, planned_update
from vendors import stock
from vendors.models import Marketplace

MAX_HOLD_PERIODS = 3  # the draft expires after as many hold periods, even if the shopper keeps trying to pay


@dataclass(frozen=True, slots=True)
class PreparedCheckout:
    """Hold the order, its payment (None if nothing is left to pay) and the payments to cancel at the gateway."""

    order: Order
    payment: Payment | None
    superseded: list[Payment] = field(default_factory=list)


@in_transaction
def prepare_order(
    *, visitor: Visitor, user: Any, checkout_request: CheckoutRequest, now: datetime, network: str = ""
) -> PreparedCheckout:
    """Create the requested order, or find it; idempotent by the request's key. An order of 0 is placed at once.

    Raise a CheckoutError or stock.SoldOutError; nothing was changed then.
    """
    gateway = gateway_of(checkout_request)
    if gateway.payment_period is not None:
        _lock_carts_to_empty(visitor.pk)
    cart = _lock_cart.first(visitor.pk)
    who = Who(visitor, user, network, checkout_request.wish)
    number = new_number()
    for order in _related_orders(visitor.pk, checkout_request.order_key, checkout_request.wish, number):
        if (order.idempotency_key, order.visitor_id) == (checkout_request.order_key, visitor.pk):
            rows = Order.objects.select_related("marketplace").select_for_update(no_key=True, of=("self",))
            return _resume(rows.get(pk=order.pk), who, checkout_request, now)
        if (order.wish, order.state) == (checkout_request.wish, Order.State.PLACED):
            raise AlreadyPaidError(order)
        number = _unused_number()
    if cart is None:
        raise CartNotBuyableError("There is no cart.")
    summary = summarise_cart(visitor, destination_in(checkout_request.contact), now)
    drafts = _agreed_drafts(summary, checkout_request)
    superseded = _expire_previous_draft(cart, now)
    quantities = _draft_quantities(drafts)
    marketplace = summary.groups[0].vendor.marketplace
    admission = admit_checkout(who, quantities, now)
    order = _create_draft(number, who, marketplace, checkout_request, drafts, admission, now)
    if order.total and gateway.payment_period is not None:
        payment = _create_payment(order, gateway)
        _confirm(order, quantities, now + gateway.payment_period, now)
        return PreparedCheckout(order, payment, superseded)
    stock.hold(order.uuid, quantities, order.held_until, now, is_new=True)
    _hold_cart(cart.pk, order.uuid)
    _update_seen_prices(cart, summary)
    if not order.total:
        place_order(order, now)
        return PreparedCheckout(order, None, superseded)
    return PreparedCheckout(order, _create_payment(order, gateway), superseded)


def gateway_of(checkout_request: CheckoutRequest) -> Gateway:
    """Return the chosen gateway. Raise LookupError for one that is not configured."""
    return get_gateway(checkout_request.gateway or first_gateway())


def _resume(order: Order, who: Who, checkout_request: CheckoutRequest, now: datetime) -> PreparedCheckout:
    gateway = gateway_of(checkout_request)
    started = order.payments.filter(state=Payment.State.STARTED)
    if order.state != Order.State.DRAFT:
        return PreparedCheckout(order, None)
    if order.pay_by is not None:
        return PreparedCheckout(order, started.first())
    _reject_other_address(order, checkout_request.contact)
    latest = order.created_at + timedelta(minutes=settings.STOCK_HOLD_MINUTES) * MAX_HOLD_PERIODS
    if latest <= now:
        raise DraftExpiredError(f"Order {order.number} waited for {MAX_HOLD_PERIODS} hold periods.")
    quantities = order.quantities()
    admission = admit_checkout(who, quantities, now)
    order.standing, order.network, order.slow_since = admission.standing, who.network, admission.slow_since
    order.held_until = min(admission.until, latest)
    order.save(update_fields=["standing", "network", "held_until", "slow_since"])
    if gateway.payment_period is not None:
        payment = started.filter(gateway=gateway.name).first() or _create_payment(order, gateway)
        _confirm(order, quantities, now + gateway.payment_period, now)
        return PreparedCheckout(order, payment)
    stock.hold(order.uuid, quantities, order.held_until, now)
    started.update(looks=0, next_look_at=now + RETURN_GRACE)  # the wait begins anew
    return PreparedCheckout(order, started.first() or _create_payment(order, gateway))


def _reject_other_address(order: Order, contact: Mapping[str, str]) -> None:
    """Raise CartChangedError if the address was corrected in another window since the page with this button."""
    if any(getattr(order, name) != contact.get(name, "") for name in ("email", *ADDRESS_FIELDS)):
        raise CartChangedError(f"Order {order.number} is for another address.")


def _confirm(order: Order, quantities: dict[int, int], pay_by: datetime, now: datetime) -> None:
    """Take down an order that is paid later; raise AwaitedPaymentsError if too much is kept for such orders."""
    confirm_order(order, pay_by, now)
    limit_awaited(order, quantities)


def _agreed_drafts(summary: CartSummary, checkout_request: CheckoutRequest) -> list[ConsignmentDraft]:
    """Return the current drafts if they are the reviewed ones and nothing costs more than agreed."""
    if not summary.groups or not all(line.for_sale for line in summary):
        raise CartNotBuyableError("The cart is empty, or something in it is not for sale any more.")
    if summary.unserved:
        raise CartNotBuyableError(f"{summary.unserved[0].vendor} does not deliver to this address any more.")
    drafts = summary.drafts(summary.offered_methods(checkout_request.methods))
    key = make_review_key(checkout_request.token, drafts, checkout_request.contact)
    if checkout_request.review_key != key:
        raise CartChangedError("What was reviewed is not what is in the cart.")
    _reject_increases(summary, checkout_request.agreed, drafts)
    return drafts


def _reject_increases(summary: CartSummary, agreed: Agreement, drafts: list[ConsignmentDraft]) -> None:
    """Raise PriceIncreasedError if any price, charge or the total is above the agreed one. A fall is passed on."""
    now = Agreement.of_drafts(drafts)
    names = {line.variant.pk: str(line.variant) for line in summary}
    vendors = {group.vendor.pk: f"Delivery by {group.vendor.name}" for group in summary.groups}
    increases = [
        Increase(of[key], before.get(key, 0), amount)
        for of, before, after in ((names, agreed.prices, now.prices), (vendors, agreed.charges, now.charges))
        for key, amount in after.items()
        if amount > before.get(key, 0)
    ]
    if increases:
        raise PriceIncreasedError(increases, now.total)
    if now.total > agreed.total:
        raise CartChangedError(f"The agreed total {agreed.total} is not that of the agreed prices, {now.total}.")


def _expire_previous_draft(cart: Cart, now: datetime) -> list[Payment]:
    """Expire the draft of an earlier version of this cart, so its hold is released; return its open payments."""
    if cart.held_by is None:
        return []
    previous = Order.objects.select_for_update(no_key=True).filter(uuid=cart.held_by, state=Order.State.DRAFT).first()
    if previous is None:
        return []
    expire_order(previous, now)
    return list(previous.payments.filter(state=Payment.State.STARTED).select_related("order__marketplace"))


def _create_draft(
    number: str,
    who: Who,
    marketplace: Marketplace,
    checkout_request: CheckoutRequest,
    drafts: list[ConsignmentDraft],
    admission: Admission,
    now: datetime,
) -> Order:
    goods_total = sum(draft.goods_total for draft in drafts)
    delivery_total = sum(draft.delivery_charge for draft in drafts)
    order = Order.objects.create(
        number=number,
        marketplace=marketplace,
        visitor=who.visitor,
        user=who.user,
        email=checkout_request.contact["email"],
        idempotency_key=checkout_request.order_key,
        wish=checkout_request.wish,
        currency=marketplace.currency,
        goods_total=goods_total,
        delivery_total=delivery_total,
        total=goods_total + delivery_total,
        created_at=now,
        held_until=admission.until,
        network=who.network,
        standing=admission.standing,
        slow_since=admission.slow_since,
        **{name: checkout_request.contact.get(name, "") for name in ADDRESS_FIELDS},
    )
    _create_consignments(order, drafts)
    return order


def _create_consignments(order: Order, drafts: list[ConsignmentDraft]) -> None:
    """Create a consignment for each draft; their totals add up to the order's, being sums of the same numbers."""
    consignments = Consignment.objects.bulk_create(
        Consignment(
            order=order,
            vendor_id=draft.vendor_id,
            number=f"{order.number}-{position}",
            delivery_method=draft.method,
            delivery_charge=draft.delivery_charge,
            days_from=draft.days_from,
            days_until=draft.days_until,
            goods_total=draft.goods_total,
        )
        for position, draft in enumerate(drafts, start=1)
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            consignment=consignment,
            variant_id=line.variant_id,
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=line.unit_price,
        )
        for consignment, draft in zip(consignments, drafts, strict=True)
        for line in draft.lines
    )


def _create_payment(order: Order, gateway: Gateway) -> Payment:
    return Payment.objects.create(
        order=order,
        gateway=gateway.name,
        reference=f"{order.number}-{secrets.token_hex(8)}",
        amount=order.total,
        currency=order.currency,
    )


def _update_seen_prices(cart: Cart, summary: CartSummary) -> None:
    for line in summary:
        if line.seen_price != line.unit_price:
            Line.objects.filter(cart=cart, variant_id=line.variant.pk).update(seen_price=line.unit_price)


@planned
def _lock_cart(visitor_id: UUID) -> QuerySet[Cart]:
    return Cart.objects.select_for_update(no_key=True).filter(visitor=visitor_id)


@planned
def _lock_carts_to_empty(visitor_id: UUID) -> QuerySet[Cart, int]:
    """Lock the carts that an order paid later empties, for it is confirmed here."""
    carts = carts_of_purchase(Visitor.objects.filter(pk=visitor_id).values("pk"))
    return carts.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)


@planned_update
def _hold_cart(cart_id: int, held_by: UUID) -> tuple[QuerySet[Cart], dict[str, Any]]:
    return Cart.objects.filter(pk=cart_id), {"held_by": held_by}


@planned
def _related_orders(visitor_id: UUID, order_key: str, wish: str, number: str) -> QuerySet[Order]:
    """Select the placed order of the wish, then the visitor's with a key, then one with the number by chance.

    The placed one is first: what was paid in spite of all ends the checkout, a draft of it that is still open too.
    """
    has_key = Q(idempotency_key=order_key, visitor=visitor_id)
    is_paid = Q(wish=wish, state=Order.State.PLACED)
    rank = Case(When(is_paid, then=0), When(has_key, then=1), default=2, output_field=IntegerField())
    return Order.objects.filter(has_key | is_paid | Q(number=number)).order_by(rank)


@planned
def _orders_with_number(number: str) -> QuerySet[Order, int]:
    return Order.objects.filter(number=number).order_by().values_list("pk", flat=True)


def _lines(drafts: list[ConsignmentDraft]) -> list[PricedLine]:
    return [line for draft in drafts for line in draft.lines]


def _draft_quantities(drafts: list[ConsignmentDraft]) -> dict[int, int]:
    return quantities_by_variant(_lines(drafts))


def _unused_number() -> str:
    number = new_number()
    while _orders_with_number(number):
        number = new_number()
    return number
