"""Use of the checkout's limits by a shopper and their network, counted from orders and payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Case, DateTimeField, F, IntegerField, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce
from django.utils.crypto import salted_hmac

from cart.checkout.errors import AwaitedPaymentsError
from cart.checkout.limits import (
    Admission,
    Counts,
    Limits,
    PastHold,
    Shopper,
    Standing,
    Wanted,
    admit,
    checkout_limits,
)
from cart.orders.models import Order, OrderLine, Payment
from sessions_farm.communities.query_plans import CountDistinctRows, MaxRows, MinRows, SumRows, planned
from sessions_farm.web.clients import telling_network_of
from vendors.models import Stock

if TYPE_CHECKING:
    from django.http import HttpRequest

    from sessions_farm.communities.models import Visitor

UNPAID = (Order.State.DRAFT, Order.State.EXPIRED)
SHARED = (Standing.FRESH, Standing.SLOW)
MAX_HOLDS = 5_000  # earlier holds that are looked at; a network within its limits has far fewer


@dataclass(frozen=True, slots=True)
class Who:
    """Name the shopper at the pay button; ``network`` is a digest, empty where the client's address tells nothing."""

    visitor: Visitor
    user: Any
    network: str
    wish: str

    @property
    def key(self) -> tuple[UUID, int | None, str | None]:
        """Return the ids of visitor, user and network; None for those that there are not."""
        return self.visitor.pk, self.user.pk if self.user is not None else None, self.network or None


def network_digest(request: HttpRequest) -> str:
    """Return a keyed hash of a client's network, so that no address is stored; empty where its address tells nothing.

    A /32 of IPv4, a /64 of IPv6.
    """
    network = telling_network_of(request)
    return salted_hmac("cart.checkout.network", network, algorithm="sha256").hexdigest()[:32] if network else ""


def admit_checkout(who: Who, quantities: Mapping[int, int], now: datetime) -> Admission:
    """Return how a checkout for pieces by variant may go on. Raise a LimitError if it may not.

    Fresh shoppers of one network wait for each other until the transaction ends, so that what they share is counted
    right. The caller has locked the shopper's cart.
    """
    period = timedelta(minutes=settings.STOCK_HOLD_MINUTES)
    limits = checkout_limits()
    if limits is None:
        return Admission(Standing.FRESH, now + period)
    if who.network:
        _lock_network(who.network)
    counts = Counts(*_counts(*who.key, who.wish, now - limits.window, now)[0])
    shopper = Shopper(counts, who.visitor.created_at, now, period)
    holds = _past_holds(who, quantities, now - limits.window) if counts.unpaid_orders else []
    return admit(limits, shopper, Wanted(quantities, _on_hand(limits, quantities, is_needed=bool(holds)), holds))


def limit_awaited(order: Order, quantities: Mapping[int, int]) -> None:
    """Raise AwaitedPaymentsError if shoppers who never paid would have more kept for later payments than their share.

    Such a hold lasts for days and costs nothing, so all networks share one. The caller holds the locks of the stock.
    """
    limits = checkout_limits()
    if limits is None or order.standing == Standing.KNOWN:
        return
    awaited = Order.objects.filter(state=Order.State.DRAFT, pay_by__isnull=False, standing__in=SHARED)
    lines = OrderLine.objects.filter(consignment__order__in=awaited, variant__in=list(quantities))
    kept = dict(lines.values_list("variant_id").annotate(pieces=Sum("quantity")).order_by())
    on_hand = _on_hand(limits, quantities, is_needed=True)
    for variant_id, pieces in quantities.items():
        if kept[variant_id] > limits.most_fresh_pieces(on_hand.get(variant_id, 0)):
            raise AwaitedPaymentsError(f"{pieces} more of variant {variant_id} would be too many.")


def forget_networks(now: datetime) -> int:
    """Take the networks off the orders that no limit counts any more; return their number."""
    limits = checkout_limits() or Limits()
    old = Order.objects.filter(created_at__lte=now - 2 * limits.window).exclude(network="")
    return old.update(network="")


def _lock_network(network: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"checkout {network}"])


def _own(visitor_id: UUID, user_id: int | None) -> Q:
    """Select the shopper's orders: the visitor's, and the account's from any device."""
    return Q(visitor=visitor_id) | Q(user=user_id) if user_id is not None else Q(visitor=visitor_id)


def _networks(network: str | None) -> Q:
    """Select the orders that fresh shoppers of the network began; none without a network."""
    return Q(network=network, standing__in=SHARED) if network is not None else Q(pk__in=())


@planned
def _counts(
    visitor_id: UUID, user_id: int | None, network: str | None, wish: str, begin: datetime, now: datetime
) -> QuerySet[Order, tuple[Any, ...]]:
    """Count the shopper's and the network's orders since a moment: the fields of ``Counts``, in their order."""
    own, networks, recent = _own(visitor_id, user_id), _networks(network), Q(created_at__gt=begin)
    unpaid = recent & Q(state__in=UNPAID)
    slow = networks & unpaid & Q(standing=Standing.SLOW) & ~Q(wish=wish)
    columns = (
        CountDistinctRows(_where(own & Q(payments__state=Payment.State.CAPTURED), "pk")),
        _sum_of_declines(own & recent & Q(wish=wish)),
        _sum_of_declines(own & recent),
        _sum_of_declines(networks & recent),
        CountDistinctRows(_where(networks & recent & Q(state=Order.State.DRAFT, held_until__gt=now), "pk")),
        CountDistinctRows(_where(unpaid, "pk")),
        MaxRows(_where(own & recent & Q(wish=wish), "slow_since")),
        MaxRows(_where(slow, "slow_since")),
        MinRows(_where(own & recent & Q(payments__declined_cards__gt=0), "created_at")),
    )
    return Order.objects.filter(own | (networks & recent)).order_by().values_list(*columns)


def _where(condition: Q, field: str) -> Case:
    """Return a field of the orders that meet a condition, NULL of the others."""
    output_field: Any = IntegerField() if field == "pk" else DateTimeField()
    return Case(When(condition, then=F(field)), default=None, output_field=output_field)


def _sum_of_declines(condition: Q) -> Coalesce:
    declines = Case(When(condition, then=F("payments__declined_cards")), default=0, output_field=IntegerField())
    return Coalesce(SumRows(declines), 0)


@planned
def _lines_held(
    visitor_id: UUID, user_id: int | None, network: str | None, variant_ids: Sequence[int], begin: datetime
) -> QuerySet[OrderLine, tuple[Any, ...]]:
    orders = Order.objects.filter(
        _own(visitor_id, user_id) | _networks(network), held_until__gt=begin, state__in=UNPAID
    )
    lines = OrderLine.objects.filter(consignment__order__in=orders, variant__pk__in=variant_ids)
    return lines.values_list(
        "variant_id", "quantity", "consignment__order__created_at", "consignment__order__held_until",
        "consignment__order__visitor_id", "consignment__order__user_id", "consignment__order__network",
        "consignment__order__standing",
    )[:MAX_HOLDS]  # fmt: skip


def _past_holds(who: Who, quantities: Mapping[int, int], begin: datetime) -> list[PastHold]:
    rows = _lines_held(*who.key, list(quantities), begin)
    user_id = who.user.pk if who.user is not None else None
    return [
        PastHold(
            variant_id,
            quantity,
            since,
            until,
            is_own=visitor_id == who.visitor.pk or (user_id is not None and of_user == user_id),
            is_networks=bool(who.network) and network == who.network and standing in SHARED,
        )
        for variant_id, quantity, since, until, visitor_id, of_user, network, standing in rows
    ]


def _on_hand(limits: Limits, quantities: Mapping[int, int], *, is_needed: bool) -> dict[int, int]:
    """Return the pieces on hand by variant; nothing where no limit depends on them."""
    if not is_needed and all(pieces <= limits.fresh_pieces for pieces in quantities.values()):
        return {}
    return dict(Stock.objects.filter(pk__in=list(quantities)).values_list("pk", "on_hand"))
