"""The spreadsheet of prices: one row a variant that is there, with its price and its sale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from vendors.models import Variant, Vendor
from vendors.sheets import changed, offers
from vendors.sheets.cells import Reader
from vendors.sheets.own import OwnVariants, own_variants, shown_names
from vendors.sheets.plan import Line
from vendors.sheets.sheet import Column, ImportableSheet
from vendors.sheets.writing import Value


class PricesSheet(ImportableSheet):
    """Change the prices and sales of variants."""

    name = "prices"
    title = "Prices"
    columns = (
        Column("sku", "SKU", "Names the variant, which is there already.", "LS-M", is_needed=True),
        Column("goods", "Goods", "For you to read; it changes nothing.", "Linen shirt, M", is_shown_only=True),
        *offers.COLUMNS,
    )

    def readers(self, vendor: Vendor) -> dict[str, Reader]:
        """Return the readers."""
        return {"sku": offers.read_sku, **offers.readers(vendor)}

    def rows(self, vendor: Vendor) -> Iterator[Sequence[Value]]:
        """Yield a row for each variant."""
        currency = vendor.marketplace.currency
        for variant in own_variants(vendor).iterator(2000):
            yield [variant.sku, shown_names(variant), *offers.cells_of(variant, currency)]

    def lock(self, vendor: Vendor, lines: list[Line]) -> None:
        """Lock the variants."""
        skus = {line.sku for line in lines}
        offers.lock(Variant.objects.filter(product__vendor=vendor, sku__in=skus))

    def compare(self, vendor: Vendor, lines: list[Line], present: set[str]) -> list[changed.Changed[Variant]]:
        """Compare lines with the vendor's variants."""
        own, currency = OwnVariants(vendor, lines), vendor.marketplace.currency
        names = [column.name for column in offers.COLUMNS if column.name in present]
        found: list[changed.Changed[Variant]] = []
        for line in lines:
            variant = own.of(line)
            values = {name: line.values[name] for name in names}
            if variant and (different := offers.compare(variant, line, values, currency)):
                found.append(different)
        return found

    def write(self, writes: list[changed.Changed[Variant]], user: Any, now: datetime) -> None:
        """Write the variants, and the audit log."""
        changed.update(writes)
