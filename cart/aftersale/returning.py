"""Services of returns: asked for, accepted or refused with a reason, received, refunded; each state once.

All lock the order first. The refund ends a return when the gateway has made it (``receivers``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.formats import date_format
from django.utils.translation import gettext

from cart.aftersale import goods, states
from cart.aftersale.errors import NotReturnableError, StaleReturnError
from cart.aftersale.models import Return, ReturnLine
from cart.checkout.tasks import enqueue_refunds
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.orders import refunds
from cart.orders.models import Consignment, Order, OrderLine, Refund
from cart.transactions import in_transaction

State = Return.State
RETURNABLE = (Consignment.State.SENT, Consignment.State.DELIVERED)


def return_until(consignment: Consignment) -> datetime | None:
    """Return until when the shopper may ask for a return; None for goods that are not sent."""
    if consignment.state not in RETURNABLE or consignment.sent_at is None:
        return None
    return consignment.sent_at + timedelta(days=consignment.vendor.return_days)


@in_transaction
def ask_return(
    *, consignment_id: int, pieces: Mapping[int, int], key: str, why: str, now: datetime, user: Any = None
) -> Return:
    """Ask for a return of pieces by line; once for each key of the consignment.

    ``user`` is a member of staff, who may ask after the shopper's time, too. Raise NotReturnableError; nothing was
    changed then.
    """
    consignment = Consignment.objects.select_related("vendor").get(pk=consignment_id)
    order = _lock_order(consignment)
    existing = Return.objects.filter(consignment=consignment, key=key).first()
    if existing is not None:
        return existing
    consignment.refresh_from_db(fields=["state", "sent_at"])
    until = return_until(consignment)
    if until is None:
        raise NotReturnableError(
            gettext("%(consignment)s is %(state)s; cancel it instead.")
            % {"consignment": consignment.number, "state": consignment.get_state_display()}
        )
    if user is None and now > until:
        raise NotReturnableError(
            gettext("Returns were taken until %(day)s. Write to the shop.")
            % {"day": date_format(until, gettext("j F"))}
        )
    lines = goods.find_lines(order, pieces, NotReturnableError)
    if any(line.consignment_id != consignment.pk for line in lines):
        raise NotReturnableError(gettext("A return is of one shop's goods."))
    asked = Return.objects.create(consignment=consignment, key=key, why=why, asked_at=now)
    ReturnLine.objects.bulk_create(
        ReturnLine(returned=asked, line=line, pieces=number) for line, number in lines.items()
    )
    for line, number in lines.items():
        OrderLine.objects.filter(pk=line.pk).update(returned=F("returned") + number)
    _write_of_it(asked, Letter.Kind.RETURN_ASKED, order)
    return asked


@in_transaction
def accept_return(*, return_id: int, answer: str, user: Any, now: datetime) -> Return:
    """Accept a return; the answer says how the goods come back. Raise StaleReturnError."""
    found, order = _lock(return_id)
    _transition(found, State.ACCEPTED, answer=answer, answered_at=now, user=user)
    _write_of_it(found, Letter.Kind.RETURN_ACCEPTED, order)
    return found


@in_transaction
def refuse_return(*, return_id: int, answer: str, user: Any, now: datetime) -> Return:
    """Refuse a return with a reason, or one whose goods did not come as they were meant to. Raise StaleReturnError."""
    if not answer.strip():
        raise StaleReturnError("Say why it is refused: the shopper reads it.")
    found, order = _lock(return_id)
    _transition(found, State.REFUSED, answer=answer, answered_at=now, user=user)
    for line, number in _pieces(found).items():
        OrderLine.objects.filter(pk=line.pk).update(returned=F("returned") - number)
    _write_of_it(found, Letter.Kind.RETURN_REFUSED, order)
    return found


@in_transaction
def receive_return(*, return_id: int, is_sellable: bool, user: Any, now: datetime) -> Return:
    """Record that the goods are back, on hand again if they can be sold, and write their refund.

    Of goods without a price the return is refunded at once. Raise StaleReturnError.
    """
    found, order = _lock(return_id)
    payment = refunds.lock_captured_payment(order)
    pieces = _pieces(found)
    if is_sellable and states.can_transition(found.state, State.RECEIVED):
        goods.put_back(order, pieces, key=f"back {found.pk}", why=f"Returned: {found.why}"[:200], user=user, now=now)
    _transition(found, State.RECEIVED, received_at=now)
    refund = refunds.write_refund(
        payment=payment,
        amounts=_amounts(order, found, pieces),
        key=f"return-{found.pk}",
        why=f"Returned: {found.why}"[:200],
        user=user,
        now=now,
    )
    if refund is None:
        _transition(found, State.REFUNDED)
    else:
        _transition_fields(found, refund=refund)
        transaction.on_commit(enqueue_refunds, robust=True)
    _write_of_it(found, Letter.Kind.RETURN_RECEIVED, order, amount=refund.amount if refund else 0)
    return found


def end_return(*, refund: Refund) -> None:
    """Record that a return is refunded, in the transaction that records the refund as made."""
    Return.objects.filter(refund=refund, state=State.RECEIVED).update(state=State.REFUNDED)


def _amounts(order: Order, found: Return, pieces: Mapping[OrderLine, int]) -> dict[refunds.Item, int]:
    """Return the refund: the goods' price, and the delivery once no piece of the consignment is kept."""
    left = refunds.refundable(order, consignment_id=found.consignment_id)
    amounts = refunds.goods_amounts(pieces, left)
    others = Return.objects.filter(consignment=found.consignment_id, state__in=[State.ASKED, State.ACCEPTED])
    if goods.is_empty(OrderLine.objects.filter(consignment=found.consignment_id)) and not others.exists():
        delivery = refunds.Item(found.consignment_id, None)
        amounts[delivery] = left[delivery]
    return amounts


def _lock_order(consignment: Consignment) -> Order:
    return Order.objects.select_for_update(no_key=True).get(pk=consignment.order_id)


def _lock(return_id: int) -> tuple[Return, Order]:
    found = Return.objects.select_related("consignment__vendor").get(pk=return_id)
    order = _lock_order(found.consignment)
    found.refresh_from_db(fields=["state", "answer"])
    return found, order


def _pieces(found: Return) -> dict[OrderLine, int]:
    return {row.line: row.pieces for row in found.lines.select_related("line").order_by("line_id")}


def _transition(found: Return, to: State, **fields: Any) -> None:
    if not states.can_transition(found.state, to):
        raise StaleReturnError(f"This return is {found.get_state_display()}; it cannot become {to.label}.")
    _transition_fields(found, state=to, **fields)


def _transition_fields(found: Return, **fields: Any) -> None:
    Return.objects.filter(pk=found.pk).update(**fields)
    for name, value in fields.items():
        setattr(found, name, value)


def _write_of_it(found: Return, kind: Letter.Kind, order: Order, *, amount: int = 0) -> None:
    facts = {
        "goods": goods.as_facts(_pieces(found)),
        "shop": found.consignment.vendor.name,
        "consignment": found.consignment.number,
        "why": found.why,
        "answer": found.answer,
        "amount": amount,
        "currency": order.currency,
    }
    write_letter(order=order, kind=kind, key=str(found.pk), facts=facts)
