"""The first phase of a checkout: one locked transaction that turns a cart into a draft order with its goods on hold."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings

from cart.checkout.ask import ADDRESS_FIELDS, Ask, key_of
from cart.checkout.locks import impatient_transaction
from cart.contents import Contents, contents_of
from cart.models import Cart, Line
from cart.orders.models import Consignment, Order, OrderLine, Payment
from cart.orders.numbering import new_number
from cart.pricing import Item, Parcel, demands, split
from vendors import stock
from vendors.models import Marketplace

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor

RENEWALS = 3  # after so many holds' time the draft is let go, however often the shopper tries to pay


class NothingToBuy(Exception):
    """The cart is empty, or has a line that cannot be bought."""


class CartChanged(Exception):
    """The goods, the delivery or the address are not those that were reviewed."""


class PriceRose(Exception):
    """The total is higher than the one that the shopper agreed to; both in minor units."""

    def __init__(self, agreed: int, total: int) -> None:
        super().__init__(f"{agreed} was agreed, it is {total} now.")
        self.agreed = agreed
        self.total = total


class TookTooLong(Exception):
    """The draft was let go before it was paid."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """``payment`` is what to pay, None where nothing is left to pay; ``superseded`` are to be closed at the gateway."""

    order: Order
    payment: Payment | None
    superseded: list[Payment] = field(default_factory=list)


def prepare(*, visitor: Visitor, user: Any, ask: Ask, now: datetime) -> Prepared:
    """Make the order that was asked for, or find it: the same key never makes two.

    Raise NothingToBuy, CartChanged, PriceRose, TookTooLong, stock.SoldOut or Busy; nothing was changed then.
    """
    with impatient_transaction():
        cart = Cart.objects.select_for_update(no_key=True).filter(visitor=visitor).first()
        order = Order.objects.select_for_update(no_key=True).filter(checkout_key=ask.key, visitor=visitor).first()
        if order is not None:
            return _found(order, now)
        if cart is None:
            raise NothingToBuy("There is no cart.")
        contents = contents_of(cart, now)
        parcels = _agreed_parcels(contents, ask)
        superseded = _let_go(cart)
        order = _draft(visitor, user, ask, parcels, now)
        stock.hold(order.uuid, _demands(parcels), _until(order, now), now)
        Cart.objects.filter(pk=cart.pk).update(held_by=order.uuid)
        _remember_prices(cart, parcels)
        return Prepared(order, _new_payment(order), superseded)


def _found(order: Order, now: datetime) -> Prepared:
    if order.state == Order.State.EXPIRED:
        raise TookTooLong(f"Order {order.number} was not paid in time.")
    if order.state != Order.State.DRAFT:
        return Prepared(order, None)
    until = _until(order, now)
    if until <= now:
        raise TookTooLong(f"Order {order.number} waited for {RENEWALS} holds' time.")
    stock.hold(order.uuid, demands_of(order), until, now)
    payment = order.payments.filter(state=Payment.State.STARTED).first()
    return Prepared(order, payment or _new_payment(order))


def _agreed_parcels(contents: Contents, ask: Ask) -> list[Parcel]:
    """Today's parcels, if they are what the shopper saw and cost no more."""
    if not contents.groups or not all(position.for_sale for position in contents):
        raise NothingToBuy("The cart is empty, or something in it is not for sale any more.")
    parcels = parcels_of(contents, ask)
    if ask.key != key_of(ask.token, _items(parcels), ask.methods, ask.contact):
        raise CartChanged("What was reviewed is not what is in the cart.")
    total = sum(parcel.total for parcel in parcels)
    if total > ask.agreed:
        raise PriceRose(ask.agreed, total)
    return parcels


def parcels_of(contents: Contents, ask: Ask) -> list[Parcel]:
    """The cart as it would be sent and charged."""
    tariffs = {group.vendor.pk: group.tariff for group in contents.groups}
    return split((position.item for position in contents), tariffs, ask.methods)


def _let_go(cart: Cart) -> list[Payment]:
    """Give up the draft that an earlier version of this cart left, so its hold is not in the way."""
    if cart.held_by is None:
        return []
    old = Order.objects.select_for_update(no_key=True).filter(uuid=cart.held_by, state=Order.State.DRAFT).first()
    if old is None:
        return []
    let_go(old)
    return list(old.payments.filter(state=Payment.State.STARTED))


def let_go(order: Order) -> None:
    """Expire a locked draft and release its goods."""
    Order.objects.filter(pk=order.pk).update(state=Order.State.EXPIRED)
    order.consignments.update(state=Consignment.State.CANCELLED)
    stock.release(order.uuid)


def _draft(visitor: Visitor, user: Any, ask: Ask, parcels: list[Parcel], now: datetime) -> Order:
    goods = sum(parcel.goods for parcel in parcels)
    delivery = sum(parcel.delivery for parcel in parcels)
    marketplace = Marketplace.objects.select_related("community__master").get(community_id=visitor.community_id)
    order = Order.objects.create(
        number=_free_number(),
        marketplace=marketplace,
        visitor=visitor,
        user=user,
        email=ask.contact["email"],
        checkout_key=ask.key,
        currency=marketplace.currency,
        goods_total=goods,
        delivery_total=delivery,
        total=goods + delivery,
        created_at=now,
        **{name: ask.contact.get(name, "") for name in ADDRESS_FIELDS},
    )
    _draft_consignments(order, parcels)
    return order


def _draft_consignments(order: Order, parcels: list[Parcel]) -> None:
    """One consignment a parcel: their totals add up to the order's, for both are sums of the same numbers."""
    consignments = Consignment.objects.bulk_create(
        Consignment(
            order=order,
            vendor_id=parcel.vendor_id,
            number=f"{order.number}-{position}",
            delivery_method=parcel.method,
            delivery_charge=parcel.delivery,
            goods_total=parcel.goods,
        )
        for position, parcel in enumerate(parcels, start=1)
    )
    OrderLine.objects.bulk_create(
        OrderLine(
            consignment=consignment,
            variant_id=item.variant_id,
            sku=item.sku,
            name=item.name,
            quantity=item.quantity,
            unit_price=item.unit_price,
        )
        for consignment, parcel in zip(consignments, parcels, strict=True)
        for item in parcel.items
    )


def demands_of(order: Order) -> dict[int, int]:
    """How many of each variant an order wants; a variant that was deleted since is left out."""
    lines = OrderLine.objects.filter(consignment__order=order, variant__isnull=False)
    wanted: dict[int, int] = {}
    for variant_id, quantity in lines.values_list("variant_id", "quantity"):
        if variant_id is not None:
            wanted[variant_id] = wanted.get(variant_id, 0) + quantity
    return wanted


def _until(order: Order, now: datetime) -> datetime:
    hold = timedelta(minutes=settings.STOCK_HOLD_MINUTES)
    return min(now + hold, order.created_at + hold * RENEWALS)


def _new_payment(order: Order) -> Payment:
    return Payment.objects.create(
        order=order,
        gateway=settings.PAYMENT_GATEWAYS[0],
        reference=f"{order.number}-{secrets.token_hex(8)}",
        amount=order.total,
        currency=order.currency,
    )


def _remember_prices(cart: Cart, parcels: list[Parcel]) -> None:
    for item in _items(parcels):
        Line.objects.filter(cart=cart, variant_id=item.variant_id).update(seen_price=item.unit_price)


def _items(parcels: list[Parcel]) -> list[Item]:
    return [item for parcel in parcels for item in parcel.items]


def _demands(parcels: list[Parcel]) -> dict[int, int]:
    return demands(_items(parcels))


def _free_number() -> str:
    number = new_number()
    while Order.objects.filter(number=number).exists():
        number = new_number()
    return number
