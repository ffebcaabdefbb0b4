"""Services of the packing desk: consignments move between to be packed, packed, sent and delivered, and back.

Many move in a few statements, each only from the state in which a person saw it. The shopper's letter about a sent
consignment waits until the sending can no longer be taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction

from cart.orders import states
from cart.orders.models import Consignment, OrderLine
from cart.orders.signals import consignments_delivered, consignments_sent, consignments_taken_back
from vendors.audit import Changes, log_changes

State = Consignment.State
UNDO_PERIOD: Final = timedelta(minutes=15)
PREVIOUS: Final[dict[str, State]] = {State.PACKED: State.OPEN, State.SENT: State.PACKED}
GONE = "It is not there any more."
TOO_LATE = "It was sent too long ago to take it back: its letter to the buyer is on its way."
COMES_BACK = "The buyer wants to send goods of it back, so it stays sent."


class Delivery(NamedTuple):
    """Say how a consignment is sent."""

    carrier: str = ""
    tracking_number: str = ""


class StaleConsignmentError(Exception):
    """Report a consignment that has left the expected state."""


def transition_consignment(*, consignment_id: int, to: State, now: datetime) -> None:
    """Make a state transition. Raise StaleConsignmentError if the current state does not allow it."""
    state = Consignment.objects.values_list("state", flat=True).get(pk=consignment_id)
    if refused := move_consignments(seen={consignment_id: state}, to=to, now=now):
        raise StaleConsignmentError(refused[consignment_id])


def move_consignments(
    *,
    seen: Mapping[int, str],
    to: State,
    now: datetime,
    vendor_id: int | None = None,
    deliveries: Mapping[int, Delivery] | None = None,
) -> dict[int, str]:
    """Move consignments, of one vendor or any, from the state that was seen; return the others, each with the reason.

    The rows are locked by their keys, in order.
    """
    with transaction.atomic():
        rows = Consignment.objects.filter(pk__in=seen).order_by("pk").select_for_update(no_key=True)
        found = {row.pk: row for row in (rows if vendor_id is None else rows.filter(vendor=vendor_id))}
        reasons = blocked_reasons(found.values(), to, now)
        refused = {
            pk: reason for pk, state in seen.items() if (reason := _refusal(found.get(pk), state, reasons.get(pk)))
        }
        moving = [row for pk, row in found.items() if pk not in refused]
        _move(moving, to, now, deliveries or {})
    return refused


def blocked_reasons(consignments: Collection[Consignment], to: State, now: datetime) -> dict[int, str]:
    """Return why consignments cannot become what is said, in words; those that can are left out."""
    to_undo = [row.pk for row in consignments if row.state == State.SENT and to == State.PACKED]
    in_returns = OrderLine.objects.filter(consignment__in=to_undo, returned__gt=0)
    coming_back = set(in_returns.values_list("consignment_id", flat=True)) if to_undo else set()
    late = {row.pk for row in consignments if row.pk in to_undo and not _is_fresh(row, now)}
    reasons = dict.fromkeys(late, TOO_LATE) | dict.fromkeys(coming_back, COMES_BACK)
    return reasons | {
        row.pk: f"It is {row.get_state_display()}; it cannot become {to.label}."
        for row in consignments
        if not states.can_transition(row.state, to)
    }


def undo_until(consignment: Consignment) -> datetime | None:
    """Return until when a sent consignment can be taken back."""
    return consignment.sent_at + UNDO_PERIOD if consignment.sent_at else None


def mark_printed(*, consignment_ids: Collection[int], now: datetime) -> None:
    """Record that the slips of consignments were printed; the first time counts."""
    with transaction.atomic():
        rows = Consignment.objects.filter(pk__in=consignment_ids, printed_at=None).order_by("pk")
        fresh = list(rows.select_for_update(no_key=True))
        Consignment.objects.filter(pk__in=[row.pk for row in fresh]).update(printed_at=now)
        log_changes((row, {"printed_at": (None, now)}) for row in fresh)


def _is_fresh(consignment: Consignment, now: datetime) -> bool:
    until = undo_until(consignment)
    return until is not None and now < until


def _refusal(row: Consignment | None, seen: str, reason: str | None) -> str | None:
    if row is None:
        return GONE
    if row.state != seen:
        return f"It was {State(seen).label}, and is {row.get_state_display()} by now."
    return reason


def _move(rows: list[Consignment], to: State, now: datetime, deliveries: Mapping[int, Delivery]) -> None:
    taken_back = [row for row in rows if row.state == State.SENT and to == State.PACKED]
    values = {"state": to, **_times(to, now)}
    changes = [(row, _set(row, values | _given(deliveries.get(row.pk)))) for row in rows]
    if deliveries:
        Consignment.objects.bulk_update(rows, [*values, *Delivery._fields], batch_size=500)
    else:
        Consignment.objects.filter(pk__in=[row.pk for row in rows]).update(**values)
    if taken_back:
        consignments_taken_back.send(sender=Consignment, consignments=taken_back, now=now)
    if rows:
        _announce(rows, to, now)
    log_changes(changes)


def _announce(rows: list[Consignment], to: State, now: datetime) -> None:
    match to:
        case State.SENT:
            consignments_sent.send(sender=Consignment, consignments=rows, until=now + UNDO_PERIOD, now=now)
        case State.DELIVERED:
            consignments_delivered.send(sender=Consignment, consignments=rows, now=now)


def _given(delivery: Delivery | None) -> dict[str, Any]:
    return {name: value for name, value in delivery._asdict().items() if value} if delivery else {}


def _set(row: Consignment, values: Mapping[str, Any]) -> Changes:
    """Set values on a row; return what changed."""
    changes: Changes = {name: (getattr(row, name), to) for name, to in values.items() if getattr(row, name) != to}
    for name, (_, to) in changes.items():
        setattr(row, name, to)
    return changes


def _times(to: State, now: datetime) -> dict[str, Any]:
    """Return the times that a state sets or clears."""
    match to:
        case State.OPEN:
            return {"packed_at": None, "sent_at": None}
        case State.PACKED:
            return {"packed_at": now, "sent_at": None}
        case State.SENT:
            return {"sent_at": now}
    return {}
