"""Limits on declined cards and on held goods: the rules, as a calculation without the ORM (ADR 32).

A shopper has a budget of their own, which a dropped cookie renews. So shoppers who never paid share another one with
their network. Where that is used up, the slow lane is left: one shopper at a time, for few pieces and a short hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.conf import settings

from cart.checkout.errors import HeldTooLongError, NetworkBusyError, TooManyDeclinesError, TooManyPiecesError

SHORTEST_HOLD = timedelta(minutes=2)  # less is no time to type a card's number


class Standing(StrEnum):
    """List how well the shop knows a shopper; it decides whose budgets a checkout uses."""

    KNOWN = "known"  # paid before, by this browser or account
    FRESH = "fresh"  # never paid: shares a budget with the others of the network
    SLOW = "slow"  # fresh, in a network whose budget is used up


@dataclass(frozen=True, slots=True)
class Limits:
    """Hold the limits; all count over ``window``. Pieces are of one variant."""

    window: timedelta = timedelta(hours=2)
    declines_an_order: int = 5
    declines_a_shopper: int = 8
    declines_a_network: int = 12
    drafts_a_network: int = 30
    fresh_pieces: int = 10
    fresh_share: float = 0.2  # of the pieces on hand, where that is more than fresh_pieces
    hold_periods: int = 3
    slow_age: timedelta = timedelta(minutes=5)  # since the visitor came: a dropped cookie begins anew
    slow_interval: timedelta = timedelta(minutes=10)
    slow_hold: timedelta = timedelta(minutes=5)
    slow_pieces: int = 2
    slow_declines: int = 2

    def most_fresh_pieces(self, on_hand: int) -> int:
        """Return the pieces that the fresh shoppers of a network may hold at once."""
        return max(self.fresh_pieces, math.floor(on_hand * self.fresh_share))

    def hold_budget(self, wanted: int, on_hand: int, period: timedelta) -> timedelta:
        """Return the time for which one shopper may hold pieces, times their number.

        A share of the stock for the whole of the hold periods; and what is wanted for one period, however much it is.
        """
        pieces = max(1, math.floor(on_hand * self.fresh_share))
        return max(wanted * period, pieces * period * self.hold_periods)


def checkout_limits() -> Limits | None:
    """Return the limits of ``CHECKOUT_LIMITS``; None if they are off."""
    chosen: dict[str, Any] | None = settings.CHECKOUT_LIMITS
    return None if chosen is None else Limits(**chosen)


@dataclass(frozen=True, slots=True)
class Counts:
    """Count the acts of a shopper and of the fresh shoppers of their network within the window."""

    paid_orders: int = 0
    declines_of_wish: int = 0
    declines_of_shopper: int = 0
    declines_of_network: int = 0
    drafts_of_network: int = 0  # unpaid ones whose goods are held now
    unpaid_orders: int = 0
    own_slow_at: datetime | None = None  # when this checkout last took the slow lane
    last_slow_at: datetime | None = None  # when another unpaid one of the network did
    oldest_decline_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastHold:
    """Describe pieces of a variant that an unpaid order holds, or held."""

    variant_id: int
    quantity: int
    since: datetime
    until: datetime
    is_own: bool
    is_networks: bool

    def used(self, begin: datetime, now: datetime) -> timedelta:
        """Return the time held between two moments, times the pieces."""
        return max(min(self.until, now) - max(self.since, begin), timedelta()) * self.quantity


@dataclass(frozen=True, slots=True)
class Shopper:
    """Describe a shopper at the pay button: the time, and since when the shop knows the browser."""

    counts: Counts
    visitor_since: datetime
    now: datetime
    period: timedelta  # the length of one hold

    @property
    def is_known(self) -> bool:
        """Return whether the shopper has paid before."""
        return self.counts.paid_orders > 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Hold the pieces to hold by variant, those on hand, and the earlier holds of the same variants."""

    quantities: Mapping[int, int]
    on_hand: Mapping[int, int] = field(default_factory=dict)
    holds: Iterable[PastHold] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """Hold how a checkout may go on: its standing, until when its goods may be held, and when it took the slow lane."""

    standing: Standing
    until: datetime
    slow_since: datetime | None = None


def _reject_declines(limits: Limits, shopper: Shopper) -> None:
    """Raise TooManyDeclinesError if too many cards of this checkout, or of this shopper, were declined."""
    counts = shopper.counts
    if counts.declines_of_wish >= limits.declines_an_order or counts.declines_of_shopper >= limits.declines_a_shopper:
        raise TooManyDeclinesError((counts.oldest_decline_at or shopper.now) + limits.window - shopper.now)


def admit(limits: Limits, shopper: Shopper, wanted: Wanted) -> Admission:
    """Return how a shopper may check out. Raise a LimitError if they may not, with what to do about it."""
    _reject_declines(limits, shopper)
    standing = _standing(limits, shopper, wanted)
    granted = min(
        (_granted(limits, shopper, wanted, variant_id) for variant_id in wanted.quantities), default=shopper.period
    )
    if granted < SHORTEST_HOLD:
        own = [hold.since for hold in wanted.holds if hold.is_own]
        raise HeldTooLongError(min(own, default=shopper.now) + limits.window - shopper.now)
    until = shopper.now + min(granted, shopper.period)
    if standing is not Standing.SLOW:
        return Admission(standing, until)
    slow_since = _enter_slow_lane(limits, shopper, wanted)
    return Admission(standing, min(until, slow_since + limits.slow_hold), slow_since)


def _standing(limits: Limits, shopper: Shopper, wanted: Wanted) -> Standing:
    """Return the shopper's standing. Raise TooManyPiecesError if a fresh one alone wants more than a network may."""
    if shopper.is_known:
        return Standing.KNOWN
    for variant_id, pieces in wanted.quantities.items():
        most = limits.most_fresh_pieces(wanted.on_hand.get(variant_id, 0))
        if pieces > most:
            raise TooManyPiecesError(variant_id, pieces, most)
    counts = shopper.counts
    is_used_up = (
        counts.declines_of_network >= limits.declines_a_network
        or counts.drafts_of_network >= limits.drafts_a_network
        or any(_is_share_used_up(limits, shopper, wanted, variant_id) for variant_id in wanted.quantities)
    )
    return Standing.SLOW if is_used_up else Standing.FRESH


def _is_share_used_up(limits: Limits, shopper: Shopper, wanted: Wanted, variant_id: int) -> bool:
    """Return whether the network holds too much of a variant, or has held it for as long as one shopper may."""
    pieces, on_hand = wanted.quantities[variant_id], wanted.on_hand.get(variant_id, 0)
    others = [hold for hold in wanted.holds if hold.is_networks and hold.variant_id == variant_id]
    held = sum(hold.quantity for hold in others if hold.until > shopper.now and not hold.is_own)
    used = sum((hold.used(shopper.now - limits.window, shopper.now) for hold in others), timedelta())
    budget = limits.hold_budget(pieces, on_hand, shopper.period)
    return held + pieces > limits.most_fresh_pieces(on_hand) or used >= budget


def _enter_slow_lane(limits: Limits, shopper: Shopper, wanted: Wanted) -> datetime:
    """Return since when this checkout has the slow lane; goods are free between two holds there."""
    if shopper.counts.declines_of_shopper >= limits.slow_declines:
        raise TooManyDeclinesError(limits.window)
    for variant_id, pieces in wanted.quantities.items():
        if pieces > limits.slow_pieces:
            raise TooManyPiecesError(variant_id, pieces, limits.slow_pieces)
    now, since, last = shopper.now, shopper.counts.own_slow_at, shopper.counts.last_slow_at
    if since is not None and now < since + limits.slow_interval:
        if since + limits.slow_hold - now < SHORTEST_HOLD:
            raise NetworkBusyError(since + limits.slow_interval - now)
        return since
    free_at = shopper.visitor_since + limits.slow_age
    if last is not None:
        free_at = max(free_at, last + limits.slow_interval)
    if free_at > now:
        raise NetworkBusyError(free_at - now)
    return now


def _granted(limits: Limits, shopper: Shopper, wanted: Wanted, variant_id: int) -> timedelta:
    """Return for how long a shopper may hold a variant now."""
    pieces = wanted.quantities[variant_id]
    own = (hold for hold in wanted.holds if hold.is_own and hold.variant_id == variant_id)
    used = sum((hold.used(shopper.now - limits.window, shopper.now) for hold in own), timedelta())
    budget = limits.hold_budget(pieces, wanted.on_hand.get(variant_id, 0), shopper.period)
    return (budget - used) / pieces
