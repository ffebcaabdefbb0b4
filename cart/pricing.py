"""What goods and their delivery cost, a vendor at a time. All amounts are integer minor units, tax included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """How fast a vendor sends."""

    STANDARD = "standard"
    EXPRESS = "express"


@dataclass(frozen=True, slots=True)
class Tariff:
    """What one vendor charges for delivery: standard is free from an amount of goods on, express never."""

    standard: int
    express: int | None = None
    free_from: int | None = None

    def offers(self, method: Method) -> bool:
        return method is Method.STANDARD or self.express is not None

    def charge(self, goods: int, method: Method) -> int:
        """The charge for goods of that value; a method that is no longer offered becomes standard."""
        if method is Method.EXPRESS and self.express is not None:
            return self.express
        return 0 if self.free_from is not None and goods >= self.free_from else self.standard

    def missing_for_free(self, goods: int) -> int:
        """How much more to buy for free standard delivery; 0 where it is free already or never will be."""
        if self.free_from is None or not self.standard:
            return 0
        return max(self.free_from - goods, 0)


@dataclass(frozen=True, slots=True)
class Item:
    """A number of one variant at one price."""

    variant_id: int
    vendor_id: int
    sku: str
    name: str
    quantity: int
    unit_price: int

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Parcel:
    """The goods of one vendor with their delivery."""

    vendor_id: int
    items: tuple[Item, ...]
    method: Method
    delivery: int

    @property
    def goods(self) -> int:
        return sum(item.total for item in self.items)

    @property
    def total(self) -> int:
        return self.goods + self.delivery


def split(
    items: Iterable[Item], tariffs: Mapping[int, Tariff], methods: Mapping[int, Method] | None = None
) -> list[Parcel]:
    """One parcel a vendor, in the order in which the vendors first appear."""
    by_vendor: dict[int, list[Item]] = {}
    for item in items:
        by_vendor.setdefault(item.vendor_id, []).append(item)
    return [_parcel(vendor_id, own, tariffs[vendor_id], methods or {}) for vendor_id, own in by_vendor.items()]


def _parcel(vendor_id: int, items: list[Item], tariff: Tariff, methods: Mapping[int, Method]) -> Parcel:
    wanted = methods.get(vendor_id, Method.STANDARD)
    method = wanted if tariff.offers(wanted) else Method.STANDARD
    return Parcel(vendor_id, tuple(items), method, tariff.charge(sum(item.total for item in items), method))


def demands(items: Iterable[Item]) -> dict[int, int]:
    """How many of each variant are wanted in all."""
    wanted: dict[int, int] = {}
    for item in items:
        wanted[item.variant_id] = wanted.get(item.variant_id, 0) + item.quantity
    return wanted
