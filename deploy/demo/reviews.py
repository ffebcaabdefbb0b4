"""The demo's reviews: what buyers said of goods that were delivered to them."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from cart.orders.models import Consignment, OrderLine
from deploy.demo import catalogue
from deploy.demo.places import Places
from vendors.models import Review

BETWEEN = timedelta(days=2, hours=5)


def load_reviews(places: Places, now: datetime) -> int:
    """Create the reviews where there are none yet; return their number. Those of staff and shoppers stay."""
    if Review.objects.filter(product__vendor__in=places.vendors.values()).exists():
        return 0
    lines: dict[str, list[OrderLine]] = defaultdict(list)
    delivered = OrderLine.objects.filter(
        consignment__state=Consignment.State.DELIVERED, consignment__vendor__in=places.vendors.values()
    )
    for line in delivered.select_related("variant__product__vendor", "consignment__order").order_by("-pk"):
        if line.variant is not None:
            lines[f"{line.variant.product.vendor.slug}/{line.variant.product.slug}"].append(line)
    return len(
        Review.objects.bulk_create(
            _review(entry, lines[entry["product"]].pop(), now - BETWEEN * place)
            for place, entry in enumerate(catalogue.reviews(), start=1)
            if lines[entry["product"]]
        )
    )


def _review(entry: dict[str, Any], line: OrderLine, written_at: datetime) -> Review:
    if line.variant is None:
        raise LookupError(f"{line} has no variant any more.")
    return Review(
        product=line.variant.product,
        line=line.pk,
        order=line.consignment.order.uuid,
        stars=entry["stars"],
        name=entry["name"],
        text=entry["text"],
        answer=entry.get("answer", ""),
        state=entry.get("state", Review.State.PUBLISHED),
        written_at=written_at,
    )
