"""Claim due dispatches of a route: a lease frees a killed worker's claims, a fencing token stops a slow worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from shipping import states
from shipping.models import Dispatch, Route
from shipping.states import State

LEASE = timedelta(seconds=90)
"""More than three times the longest time-out of a transport; a worker that is silent for longer counts as dead."""

IN_FLIGHT = 4
"""Most dispatches of one route in flight at once, so that a slow department does not delay the others."""

# The inner select is materialised: as a plain IN (…) the planner may run it again and lock more rows than the limit.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT id FROM shipping_dispatch
    WHERE route_id = %(route)s
      AND ((state = ANY(%(claimable)s) AND next_at <= %(now)s) OR (state = %(sending)s AND lease_until < %(now)s))
    ORDER BY next_at, id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
UPDATE shipping_dispatch AS dispatch
SET state = %(sending)s, fence = fence + 1, lease_until = %(lease_until)s, lease_owner = %(owner)s
FROM due WHERE dispatch.id = due.id
RETURNING dispatch.*
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A dispatch leased to this worker. ``probe``: the circuit breaker is half open and this attempt tests it."""

    dispatch: Dispatch
    route: Route
    probe: bool


def database_now() -> datetime:
    """Return the database's time: the clock that all nodes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


@transaction.atomic
def claim(*, route_id: int, limit: int, now: datetime, owner: str, lease: timedelta = LEASE) -> list[Claim]:
    """Claim up to ``limit`` due dispatches of a route; none while another worker claims of the same route.

    The route's row is locked before its dispatches in flight are counted, so that two workers together keep its
    limit. A half-open circuit breaker lets a single dispatch through.
    """
    route = Route.objects.select_for_update(skip_locked=True).filter(pk=route_id, state=Route.State.ENABLED).first()
    if route is None or (route.open_until and route.open_until > now):
        return []
    probe = route.open_until is not None
    limit = min(limit, (1 if probe else IN_FLIGHT) - Dispatch.objects.in_flight(now).filter(route=route).count())
    if limit <= 0:
        return []
    values = {
        "route": route.pk,
        "claimable": sorted(states.CLAIMABLE),
        "sending": State.SENDING,
        "now": now,
        "limit": limit,
        "lease_until": now + lease,
        "owner": owner[:80],
    }
    return [Claim(dispatch, route, probe) for dispatch in Dispatch.objects.raw(CLAIM, values)]
