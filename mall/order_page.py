"""Content of an order's page: a card a consignment, a heading that fits its age, and a version for live updates."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext

from cart.aftersale.asking import shop_address
from cart.aftersale.contact import CONFIRM_WITHIN
from cart.aftersale.models import ContactChange, Return, ReturnLine
from cart.aftersale.returning import return_until
from cart.letters.models import Letter
from cart.orders.models import Consignment, Order, Payment, Refund
from sessions_farm.communities.query_plans import attach, planned
from shipping.status import DispatchStatus, for_order
from vendors.cards import with_pictures
from vendors.storefronts import CachedStorefront, storefronts

FRESH = timedelta(minutes=1)
THANKS = timedelta(days=1)
State = Consignment.State
MOVING = {State.OPEN, State.PACKED, State.SENT}
SENT = {State.SENT, State.DELIVERED}


@dataclass(frozen=True, slots=True)
class Card:
    """Show one consignment; ``store`` is None where the shop is closed by now."""

    consignment: Consignment
    store: CachedStorefront | None
    dispatch: DispatchStatus | None
    returns: list[Return]
    questions: list[Letter]
    is_current: bool
    now: datetime

    @property
    def events(self) -> list[tuple[str, datetime | None]]:
        """Return what has happened to it, in words, each with its time."""
        own, dispatch = self.consignment, self.dispatch
        timed: list[tuple[str, datetime | None]] = [(gettext("Ordered"), own.placed_at)]
        if dispatch and dispatch.code != "cancelled":
            timed.append((capfirst(dispatch.state), dispatch.since))
        timed += [(gettext("Packed"), own.packed_at), (_sending(own.carrier), own.sent_at)]
        happened = [each for each in timed if each[1]]
        return [*happened, (gettext("Delivered"), None)] if own.state == State.DELIVERED else happened

    @property
    def can_cancel(self) -> bool:
        """Return whether the shopper may cancel pieces of it."""
        return self.is_current and self.consignment.state == State.OPEN

    @property
    def return_until(self) -> datetime | None:
        """Return until when pieces can be sent back; None where it is too late, too early, or all are in returns."""
        until = return_until(self.consignment)
        has_pieces = any(line.kept for line in self.consignment.lines.all())
        return until if until and has_pieces and self.now <= until else None

    @property
    def can_ask(self) -> bool:
        """Return whether the shop, or the mall for it, has an address for questions."""
        return bool(shop_address(self.consignment)) and self.consignment.state != State.DRAFT


@dataclass(slots=True)
class OrderPage:
    """Hold an order's page."""

    order: Order
    cards: list[Card]
    payment: Payment | None
    placed: Order | None
    refunds: list[Refund]
    waiting_changes: list[ContactChange]
    now: datetime
    is_waiting: bool = False
    look_again: int = 0
    version: str = ""
    states: set[str] = field(default_factory=set)

    @property
    def heading(self) -> str:
        """Return the heading of a placed order: thanks at first, later what it has come to."""
        kept = self.states - {State.CANCELLED}
        if kept <= {State.DELIVERED}:
            return gettext("Your order has arrived")
        if kept <= SENT:
            return gettext("Your order is on its way")
        if kept & SENT:
            return gettext("Part of your order is on its way")
        if self.order.placed_at and self.now - self.order.placed_at < THANKS:
            return gettext("Thank you, %(order)s") % {"order": self.order.name}
        return gettext("Your order is being packed")

    @property
    def can_cancel(self) -> bool:
        """Return whether the shopper may cancel anything."""
        return self.order.is_to_pay or any(card.can_cancel for card in self.cards)

    @property
    def can_go_elsewhere(self) -> bool:
        """Return whether its goods might go to another address; the page for it knows exactly."""
        return self.order.is_to_pay or self.states <= {State.OPEN, State.CANCELLED}

    @property
    def can_change(self) -> bool:
        """Return whether the page for another address or mail address is of use."""
        return self.order.is_to_pay or self.order.state == Order.State.PLACED


def read_page(order: Order, now: datetime) -> OrderPage:
    """Read what the page of an order shows, whose consignments and lines are read."""
    attach([order], "payments", _payments_of(order.pk), by="order_id")
    payment = max(order.payments.all(), key=lambda payment: payment.pk, default=None)
    has_questions, has_changes = _has_notes(payment)
    page = OrderPage(
        order=order,
        cards=_read_cards(order, _questions_of(order.pk) if has_questions else [], now),
        payment=payment,
        placed=order.placed_of_wish(),
        refunds=_refunds_of(payment.pk) if payment and payment.refund_total else [],
        waiting_changes=_waiting_changes_of(order.pk, now - CONFIRM_WITHIN) if has_changes else [],
        now=now,
        is_waiting=_is_waiting(order, payment),
    )
    page.states = {card.consignment.state for card in page.cards}
    page.look_again = _poll_seconds(order, now) if page.is_waiting or page.states & MOVING else 0
    page.version = _version(page)
    return page


def _sending(carrier: str) -> str:
    return gettext("On its way by %(carrier)s") % {"carrier": carrier} if carrier else gettext("On its way")


def _is_waiting(order: Order, payment: Payment | None) -> bool:
    return order.state == Order.State.DRAFT and payment is not None and payment.state == Payment.State.STARTED


def _has_notes(payment: Any) -> tuple[bool, bool]:
    """Return whether questions to shops and waiting changes of address are to be read; an order paid by nothing has no
    row that says so."""
    return (payment.has_questions, payment.has_changes) if payment else (True, True)


def _read_cards(order: Order, asked: Iterable[Letter], now: datetime) -> list[Card]:
    consignments = list(order.consignments.all())
    with_pictures([line.variant.product for each in consignments for line in each.lines.all() if line.variant])
    dispatches = for_order(order)
    returns, questions = _read_returns(order), defaultdict(list)
    for letter in asked:
        questions[letter.facts.get("consignment")].append(letter)
    return [
        Card(
            consignment=each,
            store=storefronts.by_vendor(each.vendor_id),
            dispatch=dispatches.get(each.pk),
            returns=returns.get(each.pk, []),
            questions=questions.get(each.number, []),
            is_current=order.state == Order.State.PLACED,
            now=now,
        )
        for each in consignments
    ]


def _read_returns(order: Order) -> dict[int, list[Return]]:
    """Return the returns of each consignment with their lines; where nothing was sent there are none."""
    if not any(each.state in SENT for each in order.consignments.all()):
        return {}
    rows = _return_lines_of(order.pk)
    found: dict[int, Return] = {row.returned_id: row.returned for row in rows}
    attach(found.values(), "lines", rows, by="returned_id")
    by_consignment: dict[int, list[Return]] = defaultdict(list)
    for each in found.values():
        by_consignment[each.consignment_id].append(each)
    return by_consignment


def _version(page: OrderPage) -> str:
    """Return a digest of all that can change on the page while it is open, so that a poll may find nothing new."""
    order, payment = page.order, page.payment
    parts: list[Any] = [order.state, order.email, order.line1, page.look_again, page.heading]
    parts += [payment.state, payment.refund_total] if payment else []
    parts += [refund.state for refund in page.refunds] + [change.pk for change in page.waiting_changes]
    for card in page.cards:
        own = card.consignment
        parts += [own.state, own.carrier, own.tracking_number, card.dispatch and card.dispatch.code]
        parts += [line.kept for line in own.lines.all()] + [(each.pk, each.state) for each in card.returns]
        parts += [(letter.pk, letter.sent_at) for letter in card.questions]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def _poll_seconds(order: Order, now: datetime) -> int:
    """Return the seconds until the page polls again: short after the order, longer later."""
    return 2 if now - (order.placed_at or order.created_at) < FRESH else 15


@planned
def _payments_of(order_id: int) -> QuerySet[Payment]:
    """Select the payments of an order, each with what there is to read beside it: mostly nothing."""
    questions = Letter.objects.filter(order=OuterRef("order"), kind=Letter.Kind.QUESTION)
    changes = ContactChange.objects.filter(order=OuterRef("order"), made_at__isnull=True)
    return Payment.objects.filter(order=order_id).annotate(has_questions=Exists(questions), has_changes=Exists(changes))


@planned
def _refunds_of(payment_id: int) -> QuerySet[Refund]:
    return Refund.objects.filter(payment=payment_id).order_by("pk")


@planned
def _return_lines_of(order_id: int) -> QuerySet[ReturnLine]:
    rows = ReturnLine.objects.filter(returned__consignment__order=order_id)
    return rows.select_related("returned", "line").order_by("returned", "pk")


@planned
def _questions_of(order_id: int) -> QuerySet[Letter]:
    return Letter.objects.filter(order=order_id, kind=Letter.Kind.QUESTION).order_by("pk")


@planned
def _waiting_changes_of(order_id: int, begin: datetime) -> QuerySet[ContactChange]:
    changes = ContactChange.objects.filter(order=order_id, made_at__isnull=True, asked_at__gt=begin)
    return changes.order_by("pk")
