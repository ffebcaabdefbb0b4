"""Use of the checkout's limits by a shopper and their network, counted from orders and payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
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
    def own(self) -> Q:
        """Select the shopper's orders: the visitor's, and the account's from any device."""
        return Q(visitor=self.visitor) | Q(user=self.user) if self.user is not None else Q(visitor=self.visitor)

    @property
    def networks(self) -> Q:
        """Select the orders that fresh shoppers of the network began; none without a network."""
        return Q(network=self.network, standing__in=SHARED) if self.network else Q(pk__in=())


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
    counts = _count(who, now - limits.window, now)
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


def _count(who: Who, begin: datetime, now: datetime) -> Counts:
    """Count the shopper's and the network's orders since a moment, in one statement."""
    recent = Q(created_at__gt=begin)
    unpaid = Q(state__in=UNPAID)
    declines = "payments__declined_cards"
    found = Order.objects.filter(who.own | (who.networks & recent)).aggregate(
        paid_orders=Count("pk", filter=who.own & Q(payments__state=Payment.State.CAPTURED)),
        declines_of_wish=Sum(declines, filter=who.own & recent & Q(wish=who.wish), default=0),
        declines_of_shopper=Sum(declines, filter=who.own & recent, default=0),
        declines_of_network=Sum(declines, filter=who.networks & recent, default=0),
        drafts_of_network=Count(
            "pk", distinct=True, filter=who.networks & recent & Q(state=Order.State.DRAFT, held_until__gt=now)
        ),
        unpaid_orders=Count("pk", distinct=True, filter=recent & unpaid),
        own_slow_at=Max("slow_since", filter=who.own & recent & Q(wish=who.wish)),
        last_slow_at=Max(
            "slow_since", filter=who.networks & recent & unpaid & Q(standing=Standing.SLOW) & ~Q(wish=who.wish)
        ),
        oldest_decline_at=Min("created_at", filter=who.own & recent & Q(payments__declined_cards__gt=0)),
    )
    return Counts(**found)


def _past_holds(who: Who, quantities: Mapping[int, int], begin: datetime) -> list[PastHold]:
    orders = Order.objects.filter(who.own | who.networks, held_until__gt=begin, state__in=UNPAID)
    lines = OrderLine.objects.filter(consignment__order__in=orders, variant__in=list(quantities))
    rows = lines.values_list(
        "variant_id", "quantity", "consignment__order__created_at", "consignment__order__held_until",
        "consignment__order__visitor_id", "consignment__order__user_id", "consignment__order__network",
        "consignment__order__standing",
    )  # fmt: skip
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
        for variant_id, quantity, since, until, visitor_id, of_user, network, standing in rows[:MAX_HOLDS]
    ]


def _on_hand(limits: Limits, quantities: Mapping[int, int], *, is_needed: bool) -> dict[int, int]:
    """Return the pieces on hand by variant; nothing where no limit depends on them."""
    if not is_needed and all(pieces <= limits.fresh_pieces for pieces in quantities.values()):
        return {}
    return dict(Stock.objects.filter(pk__in=list(quantities)).values_list("pk", "on_hand"))
