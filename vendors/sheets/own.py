"""The variants of one vendor by their SKU: another vendor's are not there."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from vendors.models import Variant, Vendor
from vendors.sheets.plan import Line


def own_variants(vendor: Vendor) -> Any:
    """Return the variants of a vendor, in the order of an export."""
    rows = Variant.objects.filter(product__vendor=vendor).select_related("product", "stock")
    return rows.defer("product__description").order_by("product__name", "product_id", "position", "pk")


def shown_names(variant: Variant) -> str:
    """Return the names of a variant on one line."""
    return " ".join(str(variant).split())


class OwnVariants:
    """Find the variants that lines name."""

    def __init__(self, vendor: Vendor, lines: list[Line]) -> None:
        self.by_sku: dict[str, list[Variant]] = defaultdict(list)
        for variant in own_variants(vendor).filter(sku__in={line.sku for line in lines}):
            self.by_sku[variant.sku].append(variant)

    def of(self, line: Line) -> Variant | None:
        """Return the variant of a line; None, with a fault, where there is none or more than one."""
        found = self.by_sku.get(line.sku, [])
        if not found and not line.faults:
            line.refuse("SKU", f"there is no “{line.sku}” in the shop." if line.sku else "is empty.")
        if len(found) > 1:
            line.refuse("SKU", f"“{line.sku}” is in the shop more than once; change it at the products.")
        return found[0] if len(found) == 1 else None
