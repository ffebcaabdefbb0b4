"""Changes of state of dispatches and routes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet

from cart.aftersale.errors import NotChangeableError
from sessions_farm.query_plans import planned
from shipping import body, keys, states
from shipping.models import Ack, Department, Dispatch, Recall, Route
from shipping.states import State
from vendors.audit import log_changes
from vendors.money import Money

if TYPE_CHECKING:
    from cart.orders.models import Consignment, Order
    from vendors.models import Vendor

BY_HAND = "Sent again by hand."


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
    route, _ = Route.objects.select_for_update().get_or_create(
        department=department, rank=rank, defaults={"transport": transport}
    )
    route.transport, route.config, route.secrets = transport, config, secrets
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
def cancel_goods(*, consignment: Consignment, pieces: Mapping[int, int], now: datetime) -> None:
    """Cancel the dispatch of goods that were cancelled, and write the next revision of what is kept.

    One that is being sent, or was, stays. Where a worker has leased it ever, the department may have it: the cancelled
    pieces, by line, are recorded for it.
    """
    latest = Dispatch.objects.select_for_update(no_key=True, of=("self",)).filter(consignment=consignment)
    dispatch = latest.defer("body").order_by("-revision").first()
    if dispatch is None or dispatch.state == State.CANCELLED:
        return
    if dispatch.fence:
        Recall.objects.bulk_create(
            Recall(dispatch=dispatch, line_id=line, pieces=number, at=now) for line, number in pieces.items()
        )
    if dispatch.state not in states.sources(State.CANCELLED):
        return
    _end(dispatch, "Goods of it were cancelled.")
    if any(line.kept for line in consignment.lines.all()):
        _next_revision(dispatch, consignment.order, consignment, now).save()


def address_blocked(*, order_id: int) -> str:
    """Return why no dispatch of an order can name another address any more, as a sentence; '' where all can.

    A dispatch that a worker has leased ever may be with the department.
    """
    leased = Dispatch.objects.filter(consignment__order=order_id, fence__gt=0).exclude(state=State.CANCELLED)
    kept = leased.exclude(consignment__state="cancelled")
    first = kept.select_related("consignment__vendor").defer("body").order_by("pk").first()
    if first is None:
        return ""
    consignment = first.consignment
    return f"{consignment.vendor.name} has the papers of {consignment.number} already."


@transaction.atomic
def change_recipient(*, order: Order, is_postal: bool, now: datetime) -> None:
    """Write the dispatches of an order that were never leased anew, for its recipient of now.

    Raise NotChangeableError where the goods are to go elsewhere and one was leased; that one keeps its mail address.
    """
    rows = Dispatch.objects.select_for_update(no_key=True, of=("self",)).filter(consignment__order=order)
    waiting = list(rows.exclude(state=State.CANCELLED).defer("body").order_by("pk"))
    if is_postal and (reason := address_blocked(order_id=order.pk)):
        raise NotChangeableError(f"{reason} It cannot go to another address any more.")
    consignments = {each.pk: each for each in order.with_lines()}
    for dispatch in waiting:
        if not dispatch.fence:
            _end(dispatch, "Its recipient was changed.")
            _next_revision(dispatch, order, consignments[dispatch.consignment_id], now).save()


def _end(dispatch: Dispatch, reason: str) -> None:
    dispatch.state, dispatch.next_at, dispatch.reason = State.CANCELLED, None, reason
    dispatch.save(update_fields=["state", "next_at", "reason"])


def _next_revision(dispatch: Dispatch, order: Order, consignment: Consignment, now: datetime) -> Dispatch:
    """Return the next revision of a dispatch, with what is kept of its goods, unsaved."""
    routes, revision = _routes_of([consignment.vendor_id]), dispatch.revision + 1
    next_key = keys.make_key(keys.parse_root(dispatch.key), revision)
    return _new_dispatch(order, consignment, routes, now, next_key, revision)


def _new_dispatch(
    order: Order, consignment: Consignment, routes: dict[int, Route], now: datetime, key: str = "", revision: int = 1
) -> Dispatch:
    key = key or keys.make_key(keys.new_root(now), revision)
    content = body.serialize(_body_of(order, consignment, key, revision, now))
    route = routes.get(consignment.vendor_id)
    return Dispatch(
        consignment=consignment,
        revision=revision,
        key=key,
        body=content,
        sha256=hashlib.sha256(content).hexdigest(),
        state=State.READY if route else State.HELD,
        reason="" if route else "The vendor has no route to a shipping department yet.",
        route=route,
        created_at=now,
        next_at=now,
    )


def _body_of(order: Order, consignment: Consignment, key: str, revision: int, now: datetime) -> body.DispatchBody:
    return body.DispatchBody(
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
def record_acks(*, vendor_id: int, keys: Sequence[str], source: str, now: datetime) -> int:
    """Record acknowledgements by the keys of dispatches; return how many of them are this vendor's."""
    rows = Dispatch.objects.select_for_update(no_key=True, of=("self",)).filter(
        key__in=keys, consignment__vendor_id=vendor_id
    )
    dispatches = list(rows.defer("body").order_by("pk"))
    acks = [mark_acked(dispatch=row, vendor_id=vendor_id, ack_id=row.key, source=source, now=now) for row in dispatches]
    Ack.objects.bulk_create(acks, ignore_conflicts=True)
    Dispatch.objects.bulk_update(dispatches, ACKED_FIELDS)
    return len(dispatches)


@transaction.atomic
def record_ack(*, vendor_id: int, ack_id: str, key: str, source: str, now: datetime) -> Dispatch:
    """Record an acknowledgement; idempotent. Raise UnknownDispatchError where the vendor has no such dispatch."""
    dispatch = (
        Dispatch.objects.select_for_update(of=("self",)).filter(key=key, consignment__vendor_id=vendor_id).first()
    )
    if dispatch is None:
        raise UnknownDispatchError(f"No dispatch {key!r} for this vendor; was the acknowledgement meant for another?")
    ack = mark_acked(dispatch=dispatch, vendor_id=vendor_id, ack_id=ack_id, source=source, now=now)
    Ack.objects.bulk_create([ack], ignore_conflicts=True)
    dispatch.save(update_fields=ACKED_FIELDS)
    return dispatch


def mark_acked(*, dispatch: Dispatch, vendor_id: int, ack_id: str, source: str, now: datetime) -> Ack:
    """Set the state of a dispatch and return its Ack; the caller holds the row's lock and saves both."""
    if dispatch.state in states.sources(State.ACKED):
        dispatch.state, dispatch.acked_at, dispatch.ack_by = State.ACKED, now, source
        dispatch.next_at, dispatch.reason = None, ""
    return Ack(vendor_id=vendor_id, ack_id=ack_id, dispatch=dispatch, source=source, received_at=now)


@transaction.atomic
def redrive(*, dispatch_ids: Collection[int], vendor_id: int | None = None, now: datetime) -> set[int]:
    """Send dead dispatches, of one vendor or any, again, same key and body, with a fresh retry schedule.

    Return the keys of those that were dead.
    """
    rows = Dispatch.objects.filter(pk__in=dispatch_ids, state=State.DEAD).defer("body").order_by("pk")
    if vendor_id is not None:
        rows = rows.filter(consignment__vendor=vendor_id)
    dead = list(rows.select_for_update(no_key=True, of=("self",)))
    keys = {row.pk for row in dead}
    again: dict[str, Any] = {"state": State.READY, "next_at": now, "reason": BY_HAND, **FRESH}
    Dispatch.objects.filter(pk__in=keys).update(**again)
    log_changes((row, {"state": (State.DEAD, State.READY)}) for row in dead)
    return keys


@transaction.atomic
def delete_dispatches(*, orders: Collection[int]) -> None:
    """Delete the dispatches of orders whose buyers are erased: their bodies name the buyer, and never change."""
    Recall.objects.filter(dispatch__consignment__order__in=orders).delete()
    Dispatch.objects.filter(consignment__order__in=orders).delete()
