"""What the cart page shows: the lines by vendor, with today's prices, what is left, and what delivery will cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cart.models import Cart, Line
from cart.pricing import Item, Method, Tariff
from vendors import stock
from vendors.models import ProductImage, Variant, Vendor
from vendors.storefronts import CachedStorefront, storefronts


@dataclass(frozen=True, slots=True)
class Position:
    """One line as it stands today; ``left`` is how many the shopper can have."""

    variant: Variant
    quantity: int
    unit_price: int
    seen_price: int
    left: int
    for_sale: bool
    editable: bool
    image: ProductImage | None

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity

    @property
    def is_available(self) -> bool:
        return self.for_sale and self.left >= self.quantity

    @property
    def rose(self) -> bool:
        return self.unit_price > self.seen_price

    @property
    def fell(self) -> bool:
        return self.unit_price < self.seen_price

    @property
    def item(self) -> Item:
        product = self.variant.product
        return Item(
            self.variant.pk, product.vendor_id, self.variant.sku, str(self.variant), self.quantity, self.unit_price
        )


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one vendor."""

    vendor: Vendor
    store: CachedStorefront | None
    positions: tuple[Position, ...]
    editable: bool

    @property
    def tariff(self) -> Tariff:
        return tariff_of(self.vendor)

    @property
    def goods(self) -> int:
        return sum(position.total for position in self.positions if position.is_available)

    @property
    def delivery_from(self) -> int:
        return self.tariff.charge(self.goods, Method.STANDARD)

    @property
    def missing_for_free(self) -> int:
        return self.tariff.missing_for_free(self.goods)


@dataclass(frozen=True, slots=True)
class Contents:
    groups: tuple[Group, ...]
    currency: str

    def __iter__(self) -> Iterator[Position]:
        return (position for group in self.groups for position in group.positions)

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def goods(self) -> int:
        return sum(group.goods for group in self.groups)

    @property
    def delivery_from(self) -> int:
        return sum(group.delivery_from for group in self.groups if group.goods)

    @property
    def sum(self) -> int:
        return self.goods + self.delivery_from

    @property
    def pieces(self) -> int:
        return sum(position.quantity for position in self)

    @property
    def can_be_bought(self) -> bool:
        return bool(self.groups) and all(position.is_available for position in self)


def tariff_of(vendor: Vendor) -> Tariff:
    return Tariff(vendor.delivery_charge, vendor.express_charge, vendor.free_delivery_from)


def contents_of(cart: Cart | None, now: datetime, *, vendor_id: int | None = None) -> Contents:
    """Read a cart in four queries, whatever its length; ``vendor_id`` limits what may be edited (None: all)."""
    if cart is None:
        return Contents((), "")
    lines = list(
        Line.objects.filter(cart=cart)
        .select_related("variant__product__vendor__marketplace")
        .prefetch_related("variant__product__images")
    )
    left = stock.available([line.variant_id for line in lines], now, excluding=cart.held_by)
    groups: dict[Vendor, list[Position]] = {}
    for line in lines:
        vendor = line.variant.product.vendor
        groups.setdefault(vendor, []).append(_position(line, left[line.variant_id], now, vendor_id))
    return Contents(
        tuple(
            Group(vendor, storefronts.by_vendor(vendor.pk), tuple(own), vendor_id is None or vendor.pk == vendor_id)
            for vendor, own in groups.items()
        ),
        lines[0].variant.product.vendor.marketplace.currency if lines else "",
    )


def _position(line: Line, left: int, now: datetime, vendor_id: int | None) -> Position:
    product = line.variant.product
    return Position(
        variant=line.variant,
        quantity=line.quantity,
        unit_price=line.variant.current_price(now),
        seen_price=line.seen_price,
        left=left,
        for_sale=product.status == product.Status.PUBLISHED and product.vendor.is_published,
        editable=vendor_id is None or product.vendor_id == vendor_id,
        image=next(iter(product.images.all()), None),
    )
