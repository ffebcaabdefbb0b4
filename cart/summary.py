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
from cart.pricing import ConsignmentDraft, DeliveryMethod, PricedLine, Tariff, split_by_vendor
from sessions_farm.query_plans import planned
from vendors import stock
from vendors.cards import with_pictures
from vendors.models import ProductImage, Variant, Vendor
from vendors.storefronts import CachedStorefront, storefronts

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
    """Group the lines of one vendor."""

    vendor: Vendor
    store: CachedStorefront | None
    lines: tuple[LineSummary, ...]
    editable: bool

    @property
    def tariff(self) -> Tariff:
        """Return the vendor's delivery charges."""
        return delivery_tariff(self.vendor)

    @property
    def goods_total(self) -> int:
        """Return the price of the available lines."""
        return sum(line.total for line in self.lines if line.is_available)

    @property
    def standard_delivery(self) -> int:
        """Return the charge for standard delivery."""
        return self.tariff.charge(self.goods_total, DeliveryMethod.STANDARD)

    @property
    def remaining_for_free_delivery(self) -> int:
        """Return the amount still missing for free delivery; 0 if there is no such amount."""
        return self.tariff.remaining_for_free_delivery(self.goods_total)


@dataclass(frozen=True, slots=True)
class CartSummary:
    """Summarise all lines of a cart; iterate over it to get the lines."""

    groups: tuple[VendorSummary, ...]
    currency: str

    def __iter__(self) -> Iterator[LineSummary]:
        return (line for group in self.groups for line in group.lines)

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def goods_total(self) -> int:
        """Return the price of the available lines of all vendors."""
        return sum(group.goods_total for group in self.groups)

    @property
    def standard_delivery(self) -> int:
        """Return the charge for standard delivery by all vendors."""
        return sum(group.standard_delivery for group in self.groups if group.goods_total)

    @property
    def total(self) -> int:
        """Return the price of goods and standard delivery."""
        return self.goods_total + self.standard_delivery

    @property
    def pieces(self) -> int:
        """Return the number of pieces over all lines."""
        return sum(line.quantity for line in self)

    def with_pictures(self) -> Self:
        """Read the pictures of all lines in one query; return this summary."""
        with_pictures([line.variant.product for line in self])
        return self

    def offered_methods(self, chosen: Mapping[int, DeliveryMethod]) -> dict[int, DeliveryMethod]:
        """Return the delivery method of each vendor; standard where none is chosen, or it is not offered any more."""
        standard = DeliveryMethod.STANDARD
        wanted = {group.vendor.pk: (group, chosen.get(group.vendor.pk, standard)) for group in self.groups}
        return {pk: method if group.tariff.offers(method) else standard for pk, (group, method) in wanted.items()}

    def drafts(self, methods: Mapping[int, DeliveryMethod]) -> list[ConsignmentDraft]:
        """Draft a consignment for each vendor, with its charges by the chosen delivery methods."""
        tariffs = {group.vendor.pk: group.tariff for group in self.groups}
        return split_by_vendor((line.priced for line in self), tariffs, methods)

    @property
    def is_buyable(self) -> bool:
        """Return True if the cart has lines and all are available."""
        return bool(self.groups) and all(line.is_available for line in self)


def delivery_tariff(vendor: Vendor) -> Tariff:
    """Return a vendor's delivery charges."""
    return Tariff(vendor.delivery_charge, vendor.express_charge, vendor.free_delivery_from)


def summarise_cart(visitor: Visitor | None, now: datetime, *, vendor_id: int | None = None) -> CartSummary:
    """Read a visitor's cart in one query; ``vendor_id`` limits the editable lines (None: all)."""
    lines: list[Any] = _lines_of(visitor.pk, now) if visitor is not None else []
    return _summarise_lines(lines, {line.variant_id: line.available for line in lines}, now, vendor_id=vendor_id)


@planned
def _lines_of(visitor_id: UUID, now: datetime) -> QuerySet[Line]:
    """Select the lines of a visitor with the pieces available to them: the cart's own hold is not in its way."""
    own = Coalesce(OuterRef("cart__held_by"), Value(NO_HOLD))
    pieces = stock.available_pieces("variant", now, excluding=own)
    lines = Line.objects.filter(cart__visitor=visitor_id).annotate(available=pieces)
    return lines.select_related("variant__product__vendor__marketplace")


def summarise_offers(offers: Iterable[Offer], now: datetime) -> CartSummary:
    """Summarise goods that are in no cart here, with their present prices."""
    pieces = {offer.variant_id: offer.pieces for offer in offers}
    variants = Variant.objects.filter(pk__in=pieces).order_by("pk")
    lines = [
        Line(variant=variant, quantity=pieces[variant.pk], seen_price=variant.current_price(now))
        for variant in variants.select_related("product__vendor__marketplace")
    ]
    return _summarise_lines(lines, stock.available(pieces, now), now, vendor_id=0)


def _summarise_lines(
    lines: list[Line], available: Mapping[int, int], now: datetime, *, vendor_id: int | None
) -> CartSummary:
    groups: dict[Vendor, list[LineSummary]] = {}
    for line in lines:
        vendor = line.variant.product.vendor
        groups.setdefault(vendor, []).append(_summarise_line(line, available[line.variant_id], now, vendor_id))
    return CartSummary(
        tuple(
            VendorSummary(
                vendor, storefronts.by_vendor(vendor.pk), tuple(own), vendor_id is None or vendor.pk == vendor_id
            )
            for vendor, own in groups.items()
        ),
        lines[0].variant.product.vendor.marketplace.currency if lines else "",
    )


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
