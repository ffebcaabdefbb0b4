"""What a product's page says of each variant: its price of today, the price it had, and how many are left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vendors import stock
from vendors.models import Product, Variant

FEW = 5  # from here on a shopper is told how many


@dataclass(frozen=True, slots=True)
class Offer:
    """Prices in minor units; ``was`` is None for a variant that is not reduced."""

    variant: Variant
    price: int
    was: int | None
    left: int

    @property
    def is_scarce(self) -> bool:
        return 0 < self.left <= FEW


def offers(product: Product, now: datetime) -> list[Offer]:
    variants = list(product.variants.all())
    left = stock.available([variant.pk for variant in variants], now)
    return [
        Offer(
            variant=variant,
            price=variant.current_price(now),
            was=variant.price if variant.is_on_sale(now) else None,
            left=left[variant.pk],
        )
        for variant in variants
    ]
