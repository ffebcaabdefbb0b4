"""Price calculation for goods and delivery, vendor by vendor. All amounts are integer minor units, tax included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from vendors.delivery import DeliveryMethod, Rate


@dataclass(frozen=True, slots=True)
class Tariff:
    """Hold a vendor's rates for one destination; without any the vendor does not deliver there."""

    rates: Mapping[DeliveryMethod, Rate] = field(default_factory=dict)

    def offers(self, method: DeliveryMethod) -> bool:
        """Return True if the vendor offers a delivery method."""
        return method in self.rates

    def method_for(self, wanted: DeliveryMethod) -> DeliveryMethod:
        """Return the wanted method, or where it is not offered the first that is."""
        return wanted if self.offers(wanted) else next(iter(self.rates), DeliveryMethod.STANDARD)

    def charge(self, goods: int, method: DeliveryMethod) -> int:
        """Return the charge for goods of that value by an offered method; 0 where none is offered."""
        rate = self.rates.get(self.method_for(method))
        if rate is None:
            return 0
        return 0 if rate.free_from is not None and goods >= rate.free_from else rate.charge

    def remaining_for_free_delivery(self, goods: int) -> int:
        """Return the amount still missing for free delivery by the first method; 0 if it is free or never will be."""
        rate = self.rates.get(self.method_for(DeliveryMethod.STANDARD))
        if rate is None or rate.free_from is None or not rate.charge:
            return 0
        return max(rate.free_from - goods, 0)


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
    days_from: int = 0  # working days on the way, as agreed
    days_until: int = 0

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
    method = tariff.method_for(methods.get(vendor_id, DeliveryMethod.STANDARD))
    charge = tariff.charge(sum(line.total for line in lines), method)
    rate = tariff.rates.get(method)
    days = (rate.days_from, rate.days_until) if rate else (0, 0)
    return ConsignmentDraft(vendor_id, tuple(lines), method, charge, *days)


def quantities_by_variant(lines: Iterable[PricedLine]) -> dict[int, int]:
    """Sum the quantities of each variant."""
    quantities: dict[int, int] = {}
    for line in lines:
        quantities[line.variant_id] = quantities.get(line.variant_id, 0) + line.quantity
    return quantities
