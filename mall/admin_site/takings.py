"""Takings of the last days by day and currency: goods and delivery of placed orders, less refunds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from cart.orders.models import Consignment, Order, RefundPart
from vendors.money import Money

if TYPE_CHECKING:
    from collections.abc import Mapping

DAYS = 30
BAR_WIDTH, BAR_GAP, CHART_HEIGHT = 18, 4, 120
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's takings in the chart's own units: ``y`` from the top, heights up to CHART_HEIGHT."""

    day: date
    takings: Money
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Takings:
    """Hold the takings of one currency, with the chart and the sum of as many days before."""

    total: Money
    before: Money
    bars: list[Bar]
    width: int = DAYS * (BAR_WIDTH + BAR_GAP)
    height: int = CHART_HEIGHT
    bar_width: int = BAR_WIDTH

    @property
    def trend(self) -> str:
        """Return how the sum compares with the days before, in words."""
        if not self.before.minor:
            return f"nothing in the {DAYS} days before"
        change = round((self.total.minor - self.before.minor) / self.before.minor * WHOLE)
        if not change:
            return f"as much as in the {DAYS} days before"
        return f"{abs(change)} % {'more' if change > 0 else 'less'} than in the {DAYS} days before"


def takings(scope: Mapping[str, Any], now: datetime) -> list[Takings]:
    """Return the takings of the consignments of a scope (lookups), a currency each, in two queries.

    A day begins at midnight in the mall's time zone, in winter and summer. A day's takings are those of the orders
    that were placed on it, whenever goods of them were cancelled or came back.
    """
    last = timezone.localdate(now)
    days = [last - timedelta(days=ago) for ago in range(2 * DAYS - 1, -1, -1)]
    start = timezone.make_aware(datetime.combine(days[0], time.min))
    by_day: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    placed = Consignment.objects.filter(
        **scope, order__state=Order.State.PLACED, placed_at__gte=start, placed_at__lte=now
    )
    for currency, day, amount in _sums(placed, "", F("goods_total") + F("delivery_charge")):
        by_day[currency][day] += amount
    refunded = RefundPart.objects.filter(consignment__in=placed.values("pk"))
    for currency, day, amount in _sums(refunded, "consignment__", F("amount")):
        by_day[currency][day] -= amount
    return [_of_currency(currency, found, days) for currency, found in sorted(by_day.items())]


def _sums(rows: QuerySet[Any], to: str, amount: Any) -> QuerySet[Any, tuple[str, date, int]]:
    days = rows.order_by().annotate(day=TruncDate(f"{to}placed_at")).values_list(f"{to}order__currency", "day")
    summed: QuerySet[Any, tuple[str, date, int]] = days.annotate(sum=Sum(amount))
    return summed


def _of_currency(currency: str, found: Mapping[date, int], days: list[date]) -> Takings:
    amounts = [found.get(day, 0) for day in days]
    before, shown = amounts[:DAYS], amounts[DAYS:]
    highest = max(*shown, 1)
    heights = [max(0, round(amount / highest * CHART_HEIGHT)) for amount in shown]
    bars = [
        Bar(day, Money(amount, currency), number * (BAR_WIDTH + BAR_GAP), CHART_HEIGHT - height, height)
        for number, (day, amount, height) in enumerate(zip(days[DAYS:], shown, heights, strict=True))
    ]
    return Takings(Money(sum(shown), currency), Money(sum(before), currency), bars)
