"""Taking due dispatches of a route: the lease brings back what a killed worker had, the fence stops a slow one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from shipping import states
from shipping.models import Dispatch, Route
from shipping.states import State

LEASE = timedelta(seconds=90)
"""More than three times what any transport may take in all; who has not answered by then is taken for dead."""

IN_FLIGHT = 4
"""At most so many of one route are under way at once: its slowness is not its neighbours'."""

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
    """A dispatch in our hands until the lease runs out. ``probe``: the route's breaker is open and this tries it."""

    dispatch: Dispatch
    route: Route
    probe: bool


def database_now() -> datetime:
    """The one clock that all nodes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


@transaction.atomic
def claim(*, route_id: int, limit: int, now: datetime, owner: str, lease: timedelta = LEASE) -> list[Claim]:
    """Up to ``limit`` due dispatches of a route; none where another worker is claiming of the same route right now.

    The route's row is locked first and its work in flight counted after that, so that two workers together
    keep its limit. An open breaker lets a single dispatch through.
    """
    route = Route.objects.select_for_update(skip_locked=True).filter(pk=route_id).first()
    if route is None or route.state != Route.State.ENABLED or (route.open_until and route.open_until > now):
        return []
    probe = route.open_until is not None
    room = (1 if probe else IN_FLIGHT) - Dispatch.objects.in_flight(now).filter(route=route).count()
    if room <= 0 or limit <= 0:
        return []
    values = {
        "route": route.pk,
        "claimable": sorted(states.CLAIMABLE),
        "sending": State.SENDING,
        "now": now,
        "limit": min(room, limit),
        "lease_until": now + lease,
        "owner": owner[:80],
    }
    return [Claim(dispatch, route, probe) for dispatch in Dispatch.objects.raw(CLAIM, values)]
