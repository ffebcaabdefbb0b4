"""Offers on a product's page: each variant with its current price, regular price and availability."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sessions_farm.communities.query_plans import planned
from vendors import stock
from vendors.models import Product, Variant
from vendors.models.catalogue import VariantQuerySet

SCARCE_UP_TO = 5  # up to this number the page shows how many are available


@planned
def variants_on_offer(product_id: int, now: datetime) -> VariantQuerySet:
    """Select the variants of a product that are not withdrawn, each with its ``free`` pieces."""
    return Variant.objects.on_offer().filter(product=product_id).annotate(free=stock.free_pieces(now))


@dataclass(frozen=True, slots=True)
class Offer:
    """Pair a variant with its price in minor units; ``regular_price`` is None unless the variant is on sale."""

    variant: Variant
    price: int
    regular_price: int | None
    available: int

    @property
    def is_scarce(self) -> bool:
        """Return True if the page should show how many are available."""
        return 0 < self.available <= SCARCE_UP_TO


def list_offers(product: Product, now: datetime) -> list[Offer]:
    """Return an offer for each variant of a product that is not withdrawn."""
    return [
        Offer(
            variant=variant,
            price=variant.current_price(now),
            regular_price=variant.price if variant.is_on_sale(now) else None,
            available=variant.free,  # type: ignore[attr-defined]  # annotated
        )
        for variant in variants_on_offer(product.pk, now)
    ]
