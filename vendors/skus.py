"""SKUs: each once in a shop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from vendors.models import Variant, Vendor


def sku_fault(vendor_id: int, skus: Collection[str], *, besides: Collection[int] = ()) -> str:
    """Return why a shop cannot have these SKUs, as a sentence; '' where it can.

    ``besides`` are the variants that give theirs up or get them. The shop's row is locked until the transaction ends,
    so of two writers at once one is refused.
    """
    if twice := next((sku for sku, times in Counter(skus).items() if times > 1), ""):
        return f"The SKU {twice} would be there twice."
    Vendor.objects.select_for_update(no_key=True).get(pk=vendor_id)
    others = Variant.objects.filter(product__vendor=vendor_id, sku__in=list(skus)).exclude(pk__in=list(besides))
    taken = others.select_related("product").first()
    return f"{taken.product} has the SKU {taken.sku} already." if taken else ""
