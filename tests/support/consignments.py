"""Many consignments of a vendor, in two statements, for lists and bulk actions."""

from datetime import datetime, timedelta

from django.utils import timezone

from cart.orders.models import Consignment, Order, OrderLine
from vendors.models import Vendor

PROMISED = timedelta(days=3)  # between the order and the end of the day on which it should leave
NAMES = ["Aoife Byrne", "Seán Ó Briain", "Оксана Ґудзь", "山田 太郎", "Mary Murphy"]


def make_consignments(vendor: Vendor, number: int, mark: str = "X", now: datetime | None = None, **fields):
    """Make consignments of orders that are a minute apart, the first the oldest; return them."""
    now = now or timezone.now()
    orders = Order.objects.bulk_create(
        (
            Order(
                number=f"{mark}-{n:06}", marketplace_id=vendor.marketplace_id, name=NAMES[n % len(NAMES)],
                line1="1 Quay", town="Cork", email=f"buyer{n}@{mark.lower()}.example", state="placed",
                idempotency_key=f"{mark}{n}", currency="EUR", goods_total=1000, total=1000,
                placed_at=now - timedelta(minutes=number - n),
            )
            for n in range(number)
        ),
        batch_size=2000,
    )  # fmt: skip
    consignments = Consignment.objects.bulk_create(
        (
            Consignment(
                order=order, vendor=vendor, number=f"{order.number}-1", goods_total=1000, placed_at=order.placed_at,
                send_by=order.placed_at + PROMISED, **({"state": "open"} | fields),
            )
            for order in orders
        ),
        batch_size=2000,
    )  # fmt: skip
    OrderLine.objects.bulk_create(
        (
            OrderLine(consignment=each, sku=f"{mark}-SKU-{n % 50}", name=f"{mark} lamp", quantity=2, unit_price=500)
            for n, each in enumerate(consignments)
        ),
        batch_size=2000,
    )
    return consignments
