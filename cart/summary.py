"""Summary of a cart: its lines by vendor, with current prices, availability and delivery charges.

All amounts are in minor units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce

from cart.copies import Offer
from cart.models import Line
from cart.pricing import ConsignmentDraft, PricedLine, Tariff, split_by_vendor
from sessions_farm.communities.query_plans import planned
from vendors import stock
from vendors.cards import with_pictures
from vendors.delivery import DeliveryMethod, Destination, Promise, promise, zone_for
from vendors.models import ProductImage, Variant, Vendor
from vendors.storefronts import CachedStorefront, storefronts
from vendors.zones import calendar_of, read_zones, zone_rows

if TYPE_CHECKING:
    from sessions_farm.communities.models import Visitor

NO_HOLD = UUID(int=0)


@dataclass(frozen=True, slots=True)
class LineSummary:
    """Describe one line now; ``available`` counts the pieces that the shopper can have."""

    variant: Variant
    quantity: int
    unit_price: int
    seen_price: int
    available: int
    for_sale: bool
    editable: bool

    @property
    def total(self) -> int:
        """Return the price of all pieces."""
        return self.unit_price * self.quantity

    @property
    def is_available(self) -> bool:
        """Return True if every piece can be bought."""
        return self.for_sale and self.available >= self.quantity

    @property
    def price_rose(self) -> bool:
        """Return True if the price is above the price that the shopper saw."""
        return self.unit_price > self.seen_price

    @property
    def price_fell(self) -> bool:
        """Return True if the price is below the price that the shopper saw."""
        return self.unit_price < self.seen_price

    @property
    def image(self) -> ProductImage | None:
        """Return the first picture; read it with ``CartSummary.with_pictures`` before."""
        return next(iter(self.variant.product.images.all()), None)

    @property
    def priced(self) -> PricedLine:
        """Return the line as input of the price calculation."""
        product = self.variant.product
        return PricedLine(
            self.variant.pk, product.vendor_id, self.variant.sku, str(self.variant), self.quantity, self.unit_price
        )


@dataclass(frozen=True, slots=True)
class VendorSummary:
    """Group the lines of one vendor, with its rates for the cart's destination."""

    vendor: Vendor
    store: CachedStorefront | None
    lines: tuple[LineSummary, ...]
    editable: bool
    tariff: Tariff
    read_at: datetime

    @property
    def is_served(self) -> bool:
        """Return True if the vendor delivers to the destination."""
        return bool(self.tariff.rates)

    def promise(self, method: DeliveryMethod) -> Promise:
        """Return when the goods come by a method that is offered, if they are ordered now."""
        rate = self.tariff.rates[method]
        return promise(calendar_of(self.vendor), self.read_at, rate.days_from, rate.days_until)

    @property
    def goods_total(self) -> int:
        """Return the price of the available lines."""
        return sum(line.total for line in self.lines if line.is_available)

    @property
    def usual_delivery(self) -> int:
        """Return the charge for delivery unless the shopper chooses a faster one."""
        return self.tariff.charge(self.goods_total, DeliveryMethod.STANDARD)

    @property
    def usual_promise(self) -> Promise | None:
        """Return when the goods come unless the shopper chooses a faster delivery; None where they cannot."""
        return self.promise(self.tariff.method_for(DeliveryMethod.STANDARD)) if self.is_served else None

    @property
    def remaining_for_free_delivery(self) -> int:
        """Return the amount still missing for free delivery; 0 if there is no such amount."""
        return self.tariff.remaining_for_free_delivery(self.goods_total)


@dataclass(frozen=True, slots=True)
class CartSummary:
    """Summarise all lines of a cart; iterate over it to get the lines."""

    groups: tuple[VendorSummary, ...]
    currency: str
    destination: Destination

    def __iter__(self) -> Iterator[LineSummary]:
        return (line for group in self.groups for line in group.lines)

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def goods_total(self) -> int:
        """Return the price of the available lines of all vendors."""
        return sum(group.goods_total for group in self.groups)

    @property
    def usual_delivery(self) -> int:
        """Return the charge for delivery by all vendors, unless the shopper chooses a faster one."""
        return sum(group.usual_delivery for group in self.groups if group.goods_total)

    @property
    def total(self) -> int:
        """Return the price of goods and delivery."""
        return self.goods_total + self.usual_delivery

    @property
    def pieces(self) -> int:
        """Return the number of pieces over all lines."""
        return sum(line.quantity for line in self)

    def with_pictures(self) -> Self:
        """Read the pictures of all lines in one query; return this summary."""
        with_pictures([line.variant.product for line in self])
        return self

    def offered_methods(self, chosen: Mapping[int, DeliveryMethod]) -> dict[int, DeliveryMethod]:
        """Return the delivery method of each vendor; the first where none is chosen, or it is not offered any more."""
        standard = DeliveryMethod.STANDARD
        return {
            group.vendor.pk: group.tariff.method_for(chosen.get(group.vendor.pk, standard)) for group in self.groups
        }

    def drafts(self, methods: Mapping[int, DeliveryMethod]) -> list[ConsignmentDraft]:
        """Draft a consignment for each vendor, with its charges by the chosen delivery methods."""
        tariffs = {group.vendor.pk: group.tariff for group in self.groups}
        return split_by_vendor((line.priced for line in self), tariffs, methods)

    @property
    def is_available(self) -> bool:
        """Return True if the cart has lines, and every piece can be bought."""
        return bool(self.groups) and all(line.is_available for line in self)

    @property
    def unserved(self) -> tuple[VendorSummary, ...]:
        """Return the groups of the vendors that do not deliver to the destination."""
        return tuple(group for group in self.groups if not group.is_served)

    @property
    def is_buyable(self) -> bool:
        """Return True if the cart has lines, all are available, and all are delivered to the destination."""
        return self.is_available and not self.unserved


def summarise_cart(
    visitor: Visitor | None, destination: Destination, now: datetime, *, vendor_id: int | None = None
) -> CartSummary:
    """Read a visitor's cart in one query; ``vendor_id`` limits the editable lines (None: all)."""
    lines: list[Any] = _lines_of(visitor.pk, now) if visitor is not None else []
    available = {line.variant_id: line.available for line in lines}
    return _summarise_lines(lines, available, destination, now, vendor_id=vendor_id)


@planned
def _lines_of(visitor_id: UUID, now: datetime) -> QuerySet[Line]:
    """Select the lines of a visitor with the pieces available to them: the cart's own hold is not in its way."""
    own = Coalesce(OuterRef("cart__held_by"), Value(NO_HOLD))
    pieces = stock.available_pieces("variant", now, excluding=own)
    lines = Line.objects.filter(cart__visitor=visitor_id).annotate(
        available=pieces, zone_rows=zone_rows("variant__product__vendor")
    )
    return lines.select_related("variant__product__vendor__marketplace")


def summarise_offers(offers: Iterable[Offer], destination: Destination, now: datetime) -> CartSummary:
    """Summarise goods that are in no cart here, with their present prices."""
    pieces = {offer.variant_id: offer.pieces for offer in offers}
    variants = Variant.objects.filter(pk__in=pieces).order_by("pk").annotate(zone_rows=zone_rows("product__vendor"))
    lines: list[Any] = []
    variant: Any  # with its annotation
    for variant in variants.select_related("product__vendor__marketplace"):
        line: Any = Line(variant=variant, quantity=pieces[variant.pk], seen_price=variant.current_price(now))
        line.zone_rows = variant.zone_rows
        lines.append(line)
    return _summarise_lines(lines, stock.available(pieces, now), destination, now, vendor_id=0)


def _summarise_lines(
    lines: list[Any], available: Mapping[int, int], destination: Destination, now: datetime, *, vendor_id: int | None
) -> CartSummary:
    """Group lines, which bring the zones of their vendors."""
    groups: dict[Vendor, list[LineSummary]] = {}
    zones = {line.variant.product.vendor: line.zone_rows for line in lines}
    for line in lines:
        vendor = line.variant.product.vendor
        groups.setdefault(vendor, []).append(_summarise_line(line, available[line.variant_id], now, vendor_id))
    return CartSummary(
        tuple(
            VendorSummary(
                vendor,
                storefronts.by_vendor(vendor.pk),
                tuple(own),
                vendor_id is None or vendor.pk == vendor_id,
                _tariff_for(zones[vendor], destination),
                now,
            )
            for vendor, own in groups.items()
        ),
        lines[0].variant.product.vendor.marketplace.currency if lines else "",
        destination,
    )


def _tariff_for(rows: list[Mapping[str, Any]], destination: Destination) -> Tariff:
    zone = zone_for(read_zones(rows), destination)
    return Tariff(zone.rates) if zone else Tariff()


def _summarise_line(line: Line, available: int, now: datetime, vendor_id: int | None) -> LineSummary:
    product = line.variant.product
    return LineSummary(
        variant=line.variant,
        quantity=line.quantity,
        unit_price=line.variant.current_price(now),
        seen_price=line.seen_price,
        available=available,
        for_sale=product.status == product.Status.PUBLISHED
        and product.vendor.is_published
        and not line.variant.withdrawn,
        editable=vendor_id is None or product.vendor_id == vendor_id,
    )
