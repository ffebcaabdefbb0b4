"""The demo's content as TOML, read into dataclasses: one file a vendor, one a mall, one for past orders."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from vendors.options import BETWEEN_VALUES

FOLDER = Path(__file__).parent
MALLS = ("mall", "secondtide")  # each is a community; the demo is about the first


@dataclass(frozen=True, slots=True)
class DomainEntry:
    host: str
    kind: str


@dataclass(frozen=True, slots=True)
class CategoryEntry:
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class MallEntry:
    slug: str
    name: str
    strapline: str
    support_email: str
    vendor_terms: str
    currency: str
    cookie_name: str
    master: str
    domains: tuple[DomainEntry, ...]
    categories: tuple[CategoryEntry, ...]
    vendors: tuple[str, ...]
    synonyms: tuple[str, ...] = ()
    country: str = "IE"


@dataclass(frozen=True, slots=True)
class VariantEntry:
    """Prices are in minor units; ``sale`` is the lowered price, ``values`` one of each option of its product."""

    sku: str
    price: int
    stock: int
    name: str = ""
    code: str = ""
    sale: int | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductEntry:
    """``alt`` describes the picture in words; ``picture`` names one of another product, '' its own.

    ``option`` is what the variants are a choice of; ``options`` are several, with their values.
    """

    name: str
    slug: str
    category: str
    summary: str
    description: str
    alt: str
    variants: tuple[VariantEntry, ...]
    picture: str
    option: str = ""
    details: str = ""
    options: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def axes(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return the options with their values."""
        if self.option:
            return [(self.option, tuple(each.name for each in self.variants))]
        return list(self.options)


@dataclass(frozen=True, slots=True)
class VendorEntry:
    """``fields`` are its columns, ``zones`` those of its delivery zones.

    ``domain`` is a host, ``label`` a name below it, both empty on a path.
    """

    slug: str
    fields: dict[str, Any]
    domain: str
    label: str
    department: str
    zones: tuple[dict[str, Any], ...]
    products: tuple[ProductEntry, ...]


@dataclass(frozen=True, slots=True)
class LineEntry:
    vendor: str
    product: str
    code: str
    quantity: int


@dataclass(frozen=True, slots=True)
class OrderEntry:
    """``days`` counts back from the first load; ``states`` is each vendor's consignment's."""

    days: int
    lines: tuple[LineEntry, ...]
    states: dict[str, str]


@dataclass(frozen=True, slots=True)
class ShopperEntry:
    address: dict[str, str]
    phone: str
    orders: tuple[OrderEntry, ...]


@cache
def malls() -> tuple[MallEntry, ...]:
    return tuple(_mall(name) for name in MALLS)


def _mall(name: str) -> MallEntry:
    found = _read(name)
    found["domains"] = tuple(DomainEntry(**each) for each in found["domains"])
    found["categories"] = tuple(CategoryEntry(**each) for each in found["categories"])
    found["vendors"] = tuple(found["vendors"])
    found["synonyms"] = tuple(found.get("synonyms", ()))
    return MallEntry(**found)


@cache
def vendors(mall: MallEntry | None = None) -> tuple[VendorEntry, ...]:
    """Return the vendors of a mall, or of all."""
    return tuple(_vendor(slug) for each in ([mall] if mall else malls()) for slug in each.vendors)


@cache
def shoppers() -> dict[str, ShopperEntry]:
    return {name: _shopper(found) for name, found in _read("orders").items()}


@cache
def reviews() -> tuple[dict[str, Any], ...]:
    return tuple(_read("reviews")["reviews"])


def goods(mall: MallEntry | None = None) -> Iterator[tuple[VendorEntry, ProductEntry]]:
    """Return the products of a mall, or of all, each with its vendor."""
    return ((vendor, product) for vendor in vendors(mall) for product in vendor.products)


@cache
def _by_path() -> dict[tuple[str, str, str], VariantEntry]:
    return {
        (vendor.slug, product.slug, variant.code): variant
        for vendor, product in goods()
        for variant in product.variants
    }


def variant(line: LineEntry) -> VariantEntry:
    """Return the variant that a line of a past order names. Raise KeyError where the catalogue has none."""
    return _by_path()[line.vendor, line.product, line.code]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def _vendor(slug: str) -> VendorEntry:
    found = _read(slug)
    products = tuple(_product(each) for each in found.pop("products"))
    zones = tuple(found.pop("zones"))
    places = {key: found.pop(key, "") for key in ("domain", "label", "department")}
    fields = {key: value.strip() if isinstance(value, str) else value for key, value in found.items()}
    return VendorEntry(slug=slug, fields=fields, zones=zones, products=products, **places)


def _product(found: dict[str, Any]) -> ProductEntry:
    return ProductEntry(
        name=found["name"],
        slug=slugify(found["name"]),
        category=found["category"],
        summary=found["summary"],
        description=found["description"].strip(),
        alt=found["alt"],
        variants=tuple(_variants(found)),
        picture=found.get("picture", ""),
        option=found.get("option", ""),
        options=tuple((name, tuple(values)) for name, values in found.get("options", {}).items()),
        details=found.get("details", "").strip(),
    )


def _variants(found: dict[str, Any]) -> Iterator[VariantEntry]:
    """Yield the variants of a product; one without a list is its own single variant."""
    for each in found.get("variants", [{key: found[key] for key in ("price", "sale", "stock") if key in found}]):
        code = each.get("code", "")
        if values := tuple(each.get("values", ())):
            each = {**each, "values": values, "name": BETWEEN_VALUES.join(values)}  # noqa: PLW2901 -- read only
        yield VariantEntry(sku=f"{found['sku']}-{code}" if code else found["sku"], **each)


def _shopper(found: dict[str, Any]) -> ShopperEntry:
    address = {key: found.get(key, "") for key in ("name", "line1", "line2", "postcode", "town", "country")}
    return ShopperEntry(address, found["phone"], tuple(_order(each) for each in found["orders"]))


def _order(found: dict[str, Any]) -> OrderEntry:
    return OrderEntry(found["days"], tuple(_line(each) for each in found["lines"]), found["states"])


def _line(text: str) -> LineEntry:
    """Read "fowlers/nore-skillet/24 x2": vendor, product, variant's code and how many."""
    path, _, quantity = text.partition(" x")
    vendor, product, *code = path.split("/")
    return LineEntry(vendor, product, code[0] if code else "", int(quantity or 1))
