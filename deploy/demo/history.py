"""The demo's past orders as rows: placed, paid and passed on long ago, so nothing is sent for them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from cart.checkout.payments.sandbox.models import Charge
from cart.orders.models import Address, Consignment, Order, OrderLine, Payment
from cart.pricing import Tariff
from deploy.demo import catalogue, people, trade
from deploy.demo.catalogue import LineEntry
from deploy.demo.places import Places
from deploy.demo.trade import Purchase
from mall.accounts.models import User
from shipping.models import Dispatch
from shipping.services import write_dispatches
from shipping.states import State
from vendors.delivery import DeliveryMethod, Destination, Promise, Zone, promise, zone_for
from vendors.models import Variant, Vendor
from vendors.zones import calendar_of, read_zones, vendor_with_zones

UUIDS = uuid.uuid5(uuid.NAMESPACE_DNS, "mall.localhost")
SENT = (Consignment.State.SENT, Consignment.State.DELIVERED)
PACKING_TIME = timedelta(hours=26)
PAYING_TIME = timedelta(minutes=2)
CARRIERS = ("An Post", "Fastway", "DPD Ireland")

type Goods = dict[tuple[str, str, str], Variant]
"""Variants by vendor's slug, product's slug and SKU."""
type Zones = dict[int, tuple[Zone, ...]]
"""Delivery zones by vendor."""


def load_addresses(users: dict[str, User]) -> None:
    for name, shopper in catalogue.shoppers().items():
        user = users[people.SHOPPERS[name].email]
        Address.objects.get_or_create(user=user, is_default=True, defaults={**shopper.address, "phone": shopper.phone})


def load_orders(places: Places, users: dict[str, User], now: datetime) -> int:
    """Create the missing past orders; return their number. Ages count back from the day of ``now``."""
    bought = trade.purchases()
    known = set(Order.objects.filter(number__in=[each.number for each in bought]).values_list("number", flat=True))
    missing = [each for each in bought if each.number not in known]
    if not missing:
        return 0
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    goods, zones = _goods(places), _zones(places)
    drafts = {each.number: _drafts(each, places, goods, zones) for each in missing}
    orders = Order.objects.bulk_create(
        _order(each, drafts[each.number], places, users.get(each.email), today - each.ago) for each in missing
    )
    _load_consignments(orders, drafts)
    payments = Payment.objects.bulk_create(_payment(order) for order in orders)
    Charge.objects.bulk_create(_charge(payment) for payment in payments)
    _pass_on(orders)
    return len(orders)


def _load_consignments(orders: Sequence[Order], drafts: Mapping[str, Sequence[ConsignmentDraft]]) -> None:
    consignments = Consignment.objects.bulk_create(
        _consignment(draft, order, place)
        for order in orders
        for place, draft in enumerate(drafts[order.number], start=1)
    )
    packed = [draft for order in orders for draft in drafts[order.number]]
    OrderLine.objects.bulk_create(
        _line(consignment, *bought)
        for consignment, draft in zip(consignments, packed, strict=True)
        for bought in draft.lines
    )


def _pass_on(orders: Iterable[Order]) -> None:
    """Write the dispatches of the goods that are still to be sent; the departments have them."""
    open_states = (Consignment.State.OPEN, Consignment.State.PACKED)
    waiting = Order.objects.filter(pk__in=[order.pk for order in orders], consignments__state__in=open_states)
    for order in waiting.distinct():
        placed_at = order.placed_at or order.created_at
        written = write_dispatches(order=order, now=placed_at)
        Dispatch.objects.filter(pk__in=[each.pk for each in written]).update(
            state=State.ACKED,
            acked_at=placed_at,
            first_sent_at=placed_at,
            next_at=None,
            ack_by="demo",
            fence=1,
            reason="",
        )


class ConsignmentDraft:
    """One vendor's part of a purchase, with its money in minor units."""

    def __init__(self, vendor: Vendor, state: str, lines: list[tuple[Variant, int, int]], tariff: Tariff) -> None:
        self.vendor, self.state, self.lines = vendor, state, lines
        self.goods_total = sum(quantity * price for _, quantity, price in lines)
        self.tariff, self.method = tariff, tariff.method_for(DeliveryMethod.STANDARD)
        self.rate = tariff.rates[self.method]
        self.charge = tariff.charge(self.goods_total, self.method)

    def promise(self, placed_at: datetime) -> Promise:
        return promise(calendar_of(self.vendor), placed_at, self.rate.days_from, self.rate.days_until)


def _goods(places: Places) -> Goods:
    rows = Variant.objects.filter(product__vendor__in=places.vendors.values()).select_related("product__vendor")
    return {(row.product.vendor.slug, row.product.slug, row.sku): row for row in rows}


def _drafts(purchase: Purchase, places: Places, goods: Goods, zones: Zones) -> list[ConsignmentDraft]:
    by_vendor = groupby(sorted(purchase.lines, key=lambda line: line.vendor), key=lambda line: line.vendor)
    return [
        ConsignmentDraft(
            places.vendors[slug],
            purchase.states[slug],
            [_bought(line, goods) for line in lines],
            _tariff(places.vendors[slug], purchase, zones),
        )
        for slug, lines in by_vendor
    ]


def _tariff(vendor: Vendor, purchase: Purchase, zones: Zones) -> Tariff:
    """Return what a vendor charges for the address of a purchase. Raise LookupError where it does not deliver."""
    zone = zone_for(zones[vendor.pk], Destination(purchase.address["country"], purchase.address["postcode"]))
    if zone is None:
        raise LookupError(f"{vendor} does not deliver to {purchase.address['town']}.")
    return Tariff(zone.rates)


def _rows_of(vendor: Vendor) -> Any:
    return vendor_with_zones(vendor.pk)[0].zone_rows  # type: ignore[attr-defined]  # annotated


def _zones(places: Places) -> Zones:
    return {vendor.pk: read_zones(_rows_of(vendor)) for vendor in places.vendors.values()}


def _bought(line: LineEntry, goods: Goods) -> tuple[Variant, int, int]:
    entry = catalogue.variant(line)
    return goods[line.vendor, line.product, entry.sku], line.quantity, entry.sale or entry.price


def _order(
    purchase: Purchase, drafts: Iterable[ConsignmentDraft], places: Places, user: User | None, placed_at: datetime
) -> Order:
    goods_total = sum(draft.goods_total for draft in drafts)
    delivery_total = sum(draft.charge for draft in drafts)
    return Order(
        **purchase.address,
        uuid=uuid.uuid5(UUIDS, purchase.number),
        number=purchase.number,
        marketplace=places.marketplace,
        user=user,
        email=purchase.email,
        phone=purchase.phone,
        state=Order.State.PLACED,
        idempotency_key=f"demo-{purchase.number}",
        currency=places.marketplace.currency,
        goods_total=goods_total,
        delivery_total=delivery_total,
        total=goods_total + delivery_total,
        created_at=placed_at - PAYING_TIME,
        placed_at=placed_at,
        held_until=placed_at,
    )


def _consignment(draft: ConsignmentDraft, order: Order, place: int) -> Consignment:
    number = f"{order.number}-{place}"
    is_sent = draft.state in SENT
    is_packed = is_sent or draft.state == Consignment.State.PACKED
    digits = uuid.uuid5(UUIDS, number).int % 10**9
    promised = draft.promise(order.placed_at or order.created_at)
    return Consignment(
        uuid=uuid.uuid5(UUIDS, number),
        order=order,
        vendor=draft.vendor,
        number=number,
        state=draft.state,
        placed_at=order.placed_at,
        packed_at=order.placed_at + PACKING_TIME if is_packed and order.placed_at else None,
        delivery_method=draft.method,
        delivery_charge=draft.charge,
        days_from=draft.rate.days_from,
        days_until=draft.rate.days_until,
        send_by=promised.send_by,
        promised_from=promised.first,
        promised_until=promised.last,
        goods_total=draft.goods_total,
        carrier=CARRIERS[digits % len(CARRIERS)] if is_sent else "",
        tracking_number=f"CE{digits:09}IE" if is_sent else "",
        sent_at=order.placed_at + PACKING_TIME if is_sent and order.placed_at else None,
    )


def _line(consignment: Consignment, variant: Variant, quantity: int, price: int) -> OrderLine:
    return OrderLine(
        consignment=consignment,
        variant=variant,
        sku=variant.sku,
        name=str(variant),
        quantity=quantity,
        unit_price=price,
    )


def _payment(order: Order) -> Payment:
    return Payment(
        order=order,
        gateway="sandbox",
        reference=f"demo-{order.number}",
        state=Payment.State.CAPTURED,
        amount=order.total,
        currency=order.currency,
        created_at=order.created_at,
        settled_at=order.placed_at,
    )


def _charge(payment: Payment) -> Charge:
    return Charge(
        reference=payment.reference,
        shop="demo",
        amount=payment.amount,
        currency=payment.currency,
        state=Charge.State.CAPTURED,
        created_at=payment.created_at,
        settled_at=payment.settled_at,
    )
