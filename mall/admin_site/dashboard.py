"""The dashboard on the admin's front page: open consignments, takings, low stock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from cart.orders.models import Consignment, Order, RefundPart
from shipping.models import Dispatch
from vendors.models import Marketplace, Membership, Stock, Vendor
from vendors.money import Money
from vendors.scoped_admin import vendor_ids

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest

DAYS = 30
BAR_WIDTH, BAR_GAP, CHART_HEIGHT = 18, 4, 120
OWNER, CATALOGUE, ORDERS, SUPPORT = Membership.Role.values
SEES_ORDERS, SEES_STOCK, SEES_VISITS = {OWNER, ORDERS}, {OWNER, CATALOGUE}, {OWNER, SUPPORT}


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's takings in the chart's own units: ``y`` from the top, heights up to CHART_HEIGHT."""

    day: date
    takings: Money
    x: int
    y: int
    height: int


def dashboard_context(request: HttpRequest) -> dict[str, Any]:
    """Return the figures that the user's roles allow."""
    now = timezone.now()
    figures: dict[str, Any] = {"watched_vendors": vendors_for(request, SEES_VISITS)}
    if not request.user.is_superuser:
        owned = Vendor.objects.filter(pk__in=vendor_ids(request, {OWNER})).select_related("storefront__domain")
        figures["owned_vendors"] = owned.order_by("name")
    if orders := vendors_for(request, SEES_ORDERS):
        figures |= open_consignments(orders) | {"dead_dispatches": dead_dispatches(orders)} | takings(orders, now)
    if catalogues := vendors_for(request, SEES_STOCK):
        figures["low_stock"] = low_stock(catalogues)
    return figures


def vendors_for(request: HttpRequest, roles: set[str]) -> list[Vendor]:
    """Return the vendors where the user has one of the roles; all for a superuser."""
    if request.user.is_superuser:
        return list(Vendor.objects.all())
    return list(Vendor.objects.filter(pk__in=vendor_ids(request, roles)))


def open_consignments(vendors: list[Vendor]) -> dict[str, Any]:
    """Return the number of consignments not yet sent, and the time of the oldest."""
    waits = Q(state__in=[Consignment.State.OPEN, Consignment.State.PACKED])
    return Consignment.objects.filter(waits, vendor__in=vendors).aggregate(
        open_consignments=Count("pk"), oldest_open=Min("order__placed_at")
    )


def dead_dispatches(vendors: list[Vendor]) -> int:
    """Return the number of dispatches that were given up."""
    return Dispatch.objects.filter(state="dead", consignment__vendor__in=vendors).count()


def low_stock(vendors: list[Vendor]) -> list[Stock]:
    """Return the eight lowest stocks below their threshold."""
    rows = Stock.objects.filter(on_hand__lt=F("low_below"), variant__product__vendor__in=vendors)
    return list(rows.select_related("variant__product").order_by("on_hand", "variant__product__name")[:8])


def takings(vendors: list[Vendor], now: datetime) -> dict[str, Any]:
    """Return the takings of the last 30 days by day of placing, with delivery and less refunds, with their chart."""
    first = timezone.localdate(now) - timedelta(days=DAYS - 1)
    parts = RefundPart.objects.filter(consignment=OuterRef("pk")).order_by().values("consignment")
    refunded = parts.annotate(sum=Sum("amount")).values("sum")
    by_day = dict(
        Consignment.objects.filter(
            vendor__in=vendors, order__state=Order.State.PLACED, order__placed_at__date__gte=first
        )
        .annotate(day=TruncDate("order__placed_at"))
        .values_list("day")
        .annotate(sum=Sum(F("goods_total") + F("delivery_charge") - Coalesce(Subquery(refunded), 0)))
    )
    currency = Marketplace.objects.values_list("currency", flat=True).first() or "EUR"
    days = [first + timedelta(days=n) for n in range(DAYS)]
    bars = chart(((day, by_day.get(day, 0)) for day in days), currency)
    return {
        "bars": bars,
        "chart_width": DAYS * (BAR_WIDTH + BAR_GAP),
        "chart_height": CHART_HEIGHT,
        "bar_width": BAR_WIDTH,
        "takings": Money(sum(by_day.values()), currency),
    }


def chart(days: Iterable[tuple[date, int]], currency: str) -> list[Bar]:
    """Return one bar for each day, the highest at CHART_HEIGHT."""
    values = list(days)
    highest = max((value for _, value in values), default=0) or 1
    heights = [round(value / highest * CHART_HEIGHT) for _, value in values]
    return [
        Bar(day, Money(value, currency), n * (BAR_WIDTH + BAR_GAP), CHART_HEIGHT - height, height)
        for n, ((day, value), height) in enumerate(zip(values, heights, strict=True))
    ]
