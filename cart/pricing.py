"""Price calculation for goods and delivery, vendor by vendor. All amounts are integer minor units, tax included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class DeliveryMethod(StrEnum):
    """List the speeds of delivery."""

    STANDARD = "standard"
    EXPRESS = "express"


@dataclass(frozen=True, slots=True)
class Tariff:
    """Hold a vendor's delivery charges: standard is free from an amount of goods on, express never."""

    standard: int
    express: int | None = None
    free_from: int | None = None

    def offers(self, method: DeliveryMethod) -> bool:
        """Return True if the vendor offers a delivery method."""
        return method is DeliveryMethod.STANDARD or self.express is not None

    def charge(self, goods: int, method: DeliveryMethod) -> int:
        """Return the charge for goods of that value; a method that is no longer offered becomes standard."""
        if method is DeliveryMethod.EXPRESS and self.express is not None:
            return self.express
        return 0 if self.free_from is not None and goods >= self.free_from else self.standard

    def remaining_for_free_delivery(self, goods: int) -> int:
        """Return the amount still missing for free standard delivery; 0 if it is free already or never will be."""
        if self.free_from is None or not self.standard:
            return 0
        return max(self.free_from - goods, 0)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """Hold the quantity and the unit price of one variant."""

    variant_id: int
    vendor_id: int
    sku: str
    name: str
    quantity: int
    unit_price: int

    @property
    def total(self) -> int:
        """Return the price of all pieces."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class ConsignmentDraft:
    """Hold the goods of one vendor with their delivery, before the order exists."""

    vendor_id: int
    lines: tuple[PricedLine, ...]
    method: DeliveryMethod
    delivery_charge: int

    @property
    def goods_total(self) -> int:
        """Return the price of the goods."""
        return sum(line.total for line in self.lines)

    @property
    def total(self) -> int:
        """Return the price of goods and delivery."""
        return self.goods_total + self.delivery_charge


def split_by_vendor(
    lines: Iterable[PricedLine], tariffs: Mapping[int, Tariff], methods: Mapping[int, DeliveryMethod] | None = None
) -> list[ConsignmentDraft]:
    """Draft one consignment a vendor, in the order in which the vendors first appear."""
    by_vendor: dict[int, list[PricedLine]] = {}
    for line in lines:
        by_vendor.setdefault(line.vendor_id, []).append(line)
    return [
        _draft_consignment(vendor_id, own, tariffs[vendor_id], methods or {}) for vendor_id, own in by_vendor.items()
    ]


def _draft_consignment(
    vendor_id: int, lines: list[PricedLine], tariff: Tariff, methods: Mapping[int, DeliveryMethod]
) -> ConsignmentDraft:
    chosen = methods.get(vendor_id, DeliveryMethod.STANDARD)
    method = chosen if tariff.offers(chosen) else DeliveryMethod.STANDARD
    return ConsignmentDraft(vendor_id, tuple(lines), method, tariff.charge(sum(line.total for line in lines), method))


def quantities_by_variant(lines: Iterable[PricedLine]) -> dict[int, int]:
    """Sum the quantities of each variant."""
    quantities: dict[int, int] = {}
    for line in lines:
        quantities[line.variant_id] = quantities.get(line.variant_id, 0) + line.quantity
    return quantities
