"""The columns of a variant's offer: its price, its sale, and whether it is withdrawn; two spreadsheets have them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models

from vendors.models import Variant, Vendor
from vendors.money import Money
from vendors.sheets.cells import Reader, amount_in, local, major, read_begin, read_end, read_flag, text_of
from vendors.sheets.changed import Changed
from vendors.sheets.plan import Line
from vendors.sheets.sheet import Column
from vendors.sheets.writing import Value

COLUMNS = (
    Column("price", "Price", "In the mall’s currency: 12.50 or 12,50.", Decimal("89.50")),
    Column("sale_price", "Sale price", "Below the price. Empty: no sale.", Decimal("69.50")),
    Column("sale_from", "Sale from", "2026-12-01, 1.12.2026, or with a time. Empty: at once.", datetime(2026, 12, 1)),  # noqa: DTZ001 -- cells have no zone
    Column("sale_until", "Sale until", "A day alone is within the sale. Empty: no end.", datetime(2027, 1, 1)),  # noqa: DTZ001 -- as above
)
NAMES = ("price", "sale_price", "sale_from", "sale_until", "withdrawn")
HEADINGS = {column.name: column.heading for column in COLUMNS} | {"variant": "Variant", "withdrawn": "Withdrawn"}
MESSAGES = {each.name: str(each.violation_error_message) for each in Variant._meta.constraints}

read_sku = text_of(Variant, "sku")


def readers(vendor: Vendor) -> dict[str, Reader]:
    """Return the readers of the columns."""
    amount = amount_in(vendor.marketplace.currency)
    return {
        "price": amount,
        "sale_price": amount,
        "sale_from": read_begin,
        "sale_until": read_end,
        "withdrawn": read_flag,
    }


def cells_of(variant: Variant, currency: str) -> list[Value]:
    """Return a variant's cells of COLUMNS."""
    prices = (major(variant.price, currency), major(variant.sale_price, currency))
    return [*prices, local(variant.sale_from), local(variant.sale_until)]


def lock(variants: models.QuerySet[Variant]) -> None:
    """Lock variants in primary key order."""
    list(variants.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))


def compare(variant: Variant, line: Line, values: dict[str, Any], currency: str) -> Changed[Variant] | None:
    """Give a variant the values of a line, with a difference for each; return it if it changed."""
    changed = Changed(variant)
    for name, value in values.items():
        attribute, after = _attribute(name), _stored(name, value)
        if after is None and name == "price":
            _refuse_without_price(line)
            continue
        before = getattr(variant, attribute)
        if _cell(before) != _cell(after):
            if name == "variant" and variant.option_values:
                line.refuse("Variant", "its options make the name; change them at the product.")
            line.change(HEADINGS[name], _words(name, before, currency), _words(name, after, currency))
            changed.set(attribute, after)
    if changed.before:
        _refuse_impossible(variant, line)
    return changed if changed.before else None


def begin(variant: Variant, line: Line, values: dict[str, Any], currency: str) -> None:
    """Give a new variant the values of a line, with one difference for all."""
    for name, value in values.items():
        setattr(variant, _attribute(name), _stored(name, value))
    if values.get("price", "") == "":
        _refuse_without_price(line)
        return
    _refuse_impossible(variant, line)
    sale = f", on sale at {Money(variant.sale_price, currency)}" if variant.sale_price is not None else ""
    line.differences.append(("Variant", "", f"{variant.name or variant.sku}: {Money(variant.price, currency)}{sale}"))


def _refuse_without_price(line: Line) -> None:
    if not any(fault.startswith("Price:") for fault in line.faults):
        line.refuse("Price", "is empty, and a variant needs one.")


def _refuse_impossible(variant: Variant, line: Line) -> None:
    """Refuse an offer that the database would refuse, in the words of the product's form."""
    if variant.sale_price is not None and variant.sale_price >= variant.price:
        line.refuse("Sale price", MESSAGES["vendors_variant_sale_below_price"])
    if variant.sale_from and variant.sale_until and variant.sale_from >= variant.sale_until:
        line.refuse("Sale until", MESSAGES["vendors_variant_sale_ends_after_it_begins"])


def _attribute(name: str) -> str:
    return "name" if name == "variant" else name


def _stored(name: str, value: Any) -> Any:
    """Return the value of a field for that of a cell."""
    if value != "" or name == "variant":
        return value
    return False if name == "withdrawn" else None


def _cell(value: Any) -> Any:
    return local(value) if isinstance(value, datetime) else value


def _words(name: str, value: Any, currency: str) -> str:
    if isinstance(value, datetime):
        return f"{local(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in {"price", "sale_price"} and value is not None:
        return str(Money(value, currency))
    return str(value or "")
