"""Changes of state of dispatches and routes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from cart.orders.models import Consignment
from sessions_farm.communities.query_plans import planned
from shipping import body, keys, routing, signing_keys, states
from shipping.models import Ack, Action, Department, Dispatch, Route
from shipping.states import State
from shipping.transports.base import FoundAck, Outcome
from vendors.audit import log_changes
from vendors.money import Money

if TYPE_CHECKING:
    from cart.orders.models import Order
    from vendors.models import Vendor

BY_HAND = "Sent again by hand."
TOO_LATE = "The department had sent the goods already."

FRESH: dict[str, Any] = {"spent": 0, "sends": 0, "refusals": 0, "first_refused_at": None, "alarmed_at": None}
"""The history of failures of a dispatch that begins anew."""

ACKED_FIELDS = ("state", "acked_at", "ack_by", "next_at", "reason")


class UnknownDispatchError(LookupError):
    """An acknowledgement names no dispatch of this vendor."""


@transaction.atomic
def set_up_route(
    *, vendor: Vendor, transport: str, config: dict[str, object], secrets: dict[str, str], now: datetime, rank: int = 1
) -> Route:
    """Create or replace the vendor's route of that rank; dispatches that waited for the old one are due at once.

    The keys of ``config`` and ``secrets`` are listed at :class:`shipping.models.Route`.
    """
    department, _ = Department.objects.get_or_create(vendor=vendor)
    signing_keys.ensure_key(vendor=vendor)
    route, _ = Route.objects.select_for_update().get_or_create(
        department=department, rank=rank, defaults={"transport": transport}
    )
    route.transport, route.config, route.secrets = transport, config, secrets
    route.opens_at = routing.next_opening(route, now)
    route.save()
    release_route(route=route, now=now)
    return route


@transaction.atomic
def release_route(*, route: Route, now: datetime) -> int:
    """Put a route back into use with a closed circuit breaker; return how many held dispatches are due now."""
    Route.objects.filter(pk=route.pk).update(
        state=Route.State.ENABLED, reason="", failures=0, failing_since=None, open_until=None, alarmed_at=None
    )
    route.refresh_from_db()
    return release_held(route=route, now=now)


def release_held(*, route: Route, now: datetime) -> int:
    """Make the held dispatches of a route due now; return their number."""
    return Dispatch.objects.filter(route=route, state=State.HELD).update(state=State.READY, next_at=now)


@transaction.atomic
def hold_route(*, route: Route, reason: str) -> None:
    """Take a route out of use; its dispatches wait."""
    Route.objects.filter(pk=route.pk).update(state=Route.State.HELD, reason=reason[:300])
    Dispatch.objects.filter(route=route, state=State.READY).update(state=State.HELD)
    route.refresh_from_db()


@transaction.atomic(savepoint=False)
def write_dispatches(*, order: Order, now: datetime) -> list[Dispatch]:
    """Write the outbox row of each consignment of an order that is being finalised; part of its transaction."""
    consignments = order.with_lines()
    routes = _routes_of([consignment.vendor_id for consignment in consignments])
    dispatches = [_new_dispatch(order, consignment, routes, now) for consignment in consignments]
    return Dispatch.objects.bulk_create(dispatches)


def _routes_of(vendor_ids: list[int]) -> dict[int, Route]:
    """The route of lowest rank for each vendor, enabled ones first."""
    routes = _routes_to(vendor_ids)
    worst_first = sorted(routes, key=lambda route: (route.state == Route.State.ENABLED, -route.rank))
    return {route.department.vendor_id: route for route in worst_first}


@planned
def _routes_to(vendor_ids: Sequence[int]) -> QuerySet[Route]:
    return Route.objects.filter(department__vendor__pk__in=vendor_ids).select_related("department")


@transaction.atomic
def revise_dispatch(*, consignment: Consignment, now: datetime) -> Dispatch | None:
    """Write the next revision of a consignment whose goods or address have changed; part of that transaction.

    The revision before is not sent again. Where a worker has leased it ever, the department may have it: the next one
    amends it, or cancels it where no goods are kept. Else a consignment without goods is never sent at all. Return the
    newest revision, whose ``action`` says which; None where nothing was to be sent any more.
    """
    rows = Dispatch.objects.select_for_update(no_key=True, of=("self",)).filter(consignment=consignment)
    latest = rows.select_related("route").defer("body").order_by("-revision").first()
    if latest is None or latest.state == State.CANCELLED or latest.action == Action.CANCEL:
        return None
    consignment = _as_it_is_now(consignment.pk)
    action = _next_action(latest, consignment)
    _end_revision(latest, f"Replaced by revision {latest.revision + 1}." if action else "All its goods were cancelled.")
    return _write_revision(latest, consignment, action, now) if action else latest


@transaction.atomic
def change_recipient(*, order: Order, is_postal: bool, now: datetime) -> None:
    """Revise the dispatches of an order whose recipient has changed.

    A department that may have the order hears of it where the goods are to go elsewhere, and not of a mail address.
    """
    sent = Dispatch.objects.filter(consignment=OuterRef("pk"))
    concerned = Consignment.objects.filter(Exists(sent), order=order)
    for consignment in (concerned if is_postal else concerned.exclude(Exists(sent.filter(fence__gt=0)))).order_by("pk"):
        revise_dispatch(consignment=consignment, now=now)


def _next_action(latest: Dispatch, consignment: Consignment) -> Action | None:
    """Return the action of the next revision; None where the department need not hear of it."""
    may_be_there = latest.fence > 0 or latest.action != Action.SHIP
    if any(line.kept for line in consignment.lines.all()):
        return Action.AMEND if may_be_there else Action.SHIP
    return Action.CANCEL if may_be_there else None


def _end_revision(latest: Dispatch, reason: str) -> None:
    """Cancel a revision that is not acknowledged; a send of it under way then ends too late to count."""
    if latest.state in states.sources(State.CANCELLED):
        latest.state, latest.next_at, latest.reason = State.CANCELLED, None, reason
        latest.save(update_fields=["state", "next_at", "reason"])


def _write_revision(latest: Dispatch, consignment: Consignment, action: Action, now: datetime) -> Dispatch:
    routes = _routes_of([consignment.vendor_id])
    if latest.route is not None and latest.route.state == Route.State.ENABLED:
        routes[consignment.vendor_id] = latest.route  # it hears of the change as it heard of the order
    revision = latest.revision + 1
    key = keys.make_key(keys.parse_root(latest.key), revision)
    dispatch = _new_dispatch(consignment.order, consignment, routes, now, key, revision, action)
    dispatch.save()
    return dispatch


def _as_it_is_now(consignment_id: int) -> Consignment:
    rows = Consignment.objects.select_related("order", "vendor").prefetch_related("lines")
    return rows.get(pk=consignment_id)


def _new_dispatch(
    order: Order,
    consignment: Consignment,
    routes: dict[int, Route],
    now: datetime,
    key: str = "",
    revision: int = 1,
    action: Action = Action.SHIP,
) -> Dispatch:
    key = key or keys.make_key(keys.new_root(now), revision)
    content = body.serialize(_body_of(order, consignment, key, revision, action, now))
    route = routes.get(consignment.vendor_id)
    return Dispatch(
        consignment=consignment,
        revision=revision,
        action=action,
        key=key,
        body=content,
        sha256=hashlib.sha256(content).hexdigest(),
        state=State.READY if route else State.HELD,
        reason="" if route else "The vendor has no route to a shipping department yet.",
        route=route,
        created_at=now,
        next_at=now,
    )


def _body_of(
    order: Order, consignment: Consignment, key: str, revision: int, action: Action, now: datetime
) -> body.DispatchBody:
    return body.DispatchBody(
        action=action.value,
        key=key,
        revision=revision,
        vendor=consignment.vendor.slug,
        consignment=consignment.number,
        order=order.number,
        placed_at=order.placed_at or now,
        delivery_method=consignment.delivery_method,
        delivery_charge=Money(consignment.delivery_charge, order.currency),
        recipient=body.Recipient(
            name=order.name,
            line1=order.line1,
            line2=order.line2,
            postcode=order.postcode,
            town=order.town,
            country=str(order.country),
            email=order.email,
            phone=order.phone,
        ),
        items=tuple(
            body.Item(line.sku, line.name, line.kept, Money(line.unit_price, order.currency))
            for line in consignment.lines.all()
            if line.kept
        ),
    )


@transaction.atomic
def record_acks(*, vendor_id: int, acks: Sequence[FoundAck], source: str, now: datetime) -> int:
    """Record the acknowledgements that a look found; return how many of them are this vendor's."""
    outcomes = {ack.key: ack.outcome for ack in acks}
    rows = Dispatch.objects.select_for_update(no_key=True, of=("self",)).filter(
        key__in=outcomes, consignment__vendor_id=vendor_id
    )
    dispatches = list(rows.defer("body").order_by("pk"))
    found = [
        mark_acked(dispatch=row, vendor_id=vendor_id, ack_id=row.key, source=source, now=now, outcome=outcomes[row.key])
        for row in dispatches
    ]
    Ack.objects.bulk_create(found, ignore_conflicts=True)
    Dispatch.objects.bulk_update(dispatches, ACKED_FIELDS)
    return len(dispatches)


@transaction.atomic
def record_ack(*, vendor_id: int, ack_id: str, key: str, source: str, now: datetime, outcome: str = "") -> Dispatch:
    """Record an acknowledgement; idempotent. Raise UnknownDispatchError where the vendor has no such dispatch."""
    dispatch = (
        Dispatch.objects.select_for_update(of=("self",)).filter(key=key, consignment__vendor_id=vendor_id).first()
    )
    if dispatch is None:
        raise UnknownDispatchError(f"No dispatch {key!r} for this vendor; was the acknowledgement meant for another?")
    ack = mark_acked(dispatch=dispatch, vendor_id=vendor_id, ack_id=ack_id, source=source, now=now, outcome=outcome)
    Ack.objects.bulk_create([ack], ignore_conflicts=True)
    dispatch.save(update_fields=ACKED_FIELDS)
    return dispatch


@transaction.atomic
def reject(*, vendor_id: int, key: str, reason: str, now: datetime) -> Dispatch:
    """Give up a dispatch that its department cannot work, until a person has looked; idempotent.

    One that was acknowledged, or replaced, stays so. Raise UnknownDispatchError where the vendor has no such dispatch.
    """
    rows = Dispatch.objects.select_for_update(of=("self",)).filter(key=key, consignment__vendor_id=vendor_id)
    dispatch = rows.first()
    if dispatch is None:
        raise UnknownDispatchError(f"No dispatch {key!r} for this vendor.")
    if dispatch.state in states.sources(State.DEAD):
        dispatch.state, dispatch.next_at = State.DEAD, None
        dispatch.reason = f"The department cannot work it: {reason}"[:300]
        dispatch.first_refused_at = dispatch.first_refused_at or now
        dispatch.save(update_fields=["state", "next_at", "reason", "first_refused_at"])
    return dispatch


def mark_acked(
    *, dispatch: Dispatch, vendor_id: int, ack_id: str, source: str, now: datetime, outcome: str = ""
) -> Ack:
    """Set the state of a dispatch and return its Ack; the caller holds the row's lock and saves both."""
    if dispatch.state in states.sources(State.ACKED):
        dispatch.state, dispatch.next_at = State.ACKED, None
        dispatch.acked_at, dispatch.ack_by = dispatch.acked_at or now, dispatch.ack_by or source
        dispatch.reason = TOO_LATE if outcome == Outcome.ALREADY_SENT else ""
    return Ack(vendor_id=vendor_id, ack_id=ack_id, dispatch=dispatch, source=source, received_at=now, outcome=outcome)


@transaction.atomic
def replay(*, dispatch_ids: Collection[int], vendor_id: int | None = None, now: datetime) -> set[int]:
    """Send acknowledged dispatches once more, same key and body; a department that has them changes nothing.

    Only a consignment's newest revision goes. It stays acknowledged, and no further answer is waited for. Return the
    keys of the dispatches.
    """
    newer = Dispatch.objects.filter(consignment=OuterRef("consignment"), revision__gt=OuterRef("revision"))
    acked = Dispatch.objects.filter(~Exists(newer), pk__in=dispatch_ids, state=State.ACKED)
    return _send_again(acked, vendor_id, State.ACKED, now)


@transaction.atomic
def redrive(*, dispatch_ids: Collection[int], vendor_id: int | None = None, now: datetime) -> set[int]:
    """Send dead dispatches, of one vendor or any, again, same key and body, with a fresh retry schedule.

    Return the keys of those that were dead.
    """
    return _send_again(Dispatch.objects.filter(pk__in=dispatch_ids, state=State.DEAD), vendor_id, State.DEAD, now)


def _send_again(rows: QuerySet[Dispatch], vendor_id: int | None, state: State, now: datetime) -> set[int]:
    if vendor_id is not None:
        rows = rows.filter(consignment__vendor=vendor_id)
    found = list(rows.defer("body").order_by("pk").select_for_update(no_key=True, of=("self",)))
    keys = {row.pk for row in found}
    again: dict[str, Any] = {"state": State.READY, "next_at": now, "reason": BY_HAND, **FRESH}
    Dispatch.objects.filter(pk__in=keys).update(**again)
    log_changes((row, {"state": (state, State.READY)}) for row in found)
    return keys


@transaction.atomic
def delete_dispatches(*, orders: Collection[int]) -> None:
    """Delete the dispatches of orders whose buyers are erased: their bodies name the buyer, and never change."""
    Dispatch.objects.filter(consignment__order__in=orders).delete()
