"""The choice of the route for dispatches that have none, or whose route has failed for long; the windows of routes."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q

from shipping.models import Route
from shipping.states import State
from shipping.transports import windows

FAILOVER_AFTER = timedelta(hours=6)

ASSIGN = """
UPDATE shipping_dispatch AS dispatch SET route_id = best.id, state = %(ready)s, next_at = %(now)s, reason = ''
FROM orders_consignment AS consignment, LATERAL (
    SELECT route.id FROM shipping_route AS route JOIN shipping_department AS department
        ON route.department_id = department.id
    WHERE department.vendor_id = consignment.vendor_id
    ORDER BY route.state <> %(enabled)s, route.rank LIMIT 1
) AS best
WHERE dispatch.route_id IS NULL AND dispatch.state = %(held)s AND consignment.id = dispatch.consignment_id
"""

# Only to a route that works or is new: two that fail do not pass work to and fro.
FAIL_OVER = """
UPDATE shipping_dispatch AS dispatch
SET route_id = next.id, state = %(ready)s, next_at = %(now)s, reason = %(reason)s, refusals = 0, first_refused_at = NULL
FROM shipping_route AS failing, LATERAL (
    SELECT route.id FROM shipping_route AS route
    WHERE route.department_id = failing.department_id AND route.state = %(enabled)s AND route.failures = 0
    ORDER BY route.rank LIMIT 1
) AS next
WHERE dispatch.route_id = failing.id AND dispatch.state IN (%(ready)s, %(held)s)
  AND (failing.state <> %(enabled)s OR failing.failing_since < %(long_ago)s)
"""


def assign_missing_routes(*, now: datetime) -> int:
    """Give each dispatch without a route its vendor's route; return the number of dispatches."""
    return _execute(ASSIGN, now)


def fail_over(*, now: datetime) -> int:
    """Move dispatches from a route that is held, or fails for hours, to the department's next route that works.

    The key stays, so a department that has it already by the first route works it once. Return the number moved.
    """
    return _execute(FAIL_OVER, now)


def next_opening(route: Route, now: datetime) -> datetime | None:
    """Return when a route with windows opens, or opened; None where it is always open."""
    return windows.opens_at(route.config, ZoneInfo(route.department.vendor.time_zone), now)


def update_windows(*, now: datetime) -> int:
    """Set for each route with windows when it opens; return the number of routes that changed."""
    rows = Route.objects.filter(Q(config__windows__isnull=False) | Q(opens_at__isnull=False))
    changed = []
    for route in rows.select_related("department__vendor"):
        at = next_opening(route, now)
        if at != route.opens_at:
            route.opens_at = at
            changed.append(route)
    for route in changed:
        Route.objects.filter(pk=route.pk).update(opens_at=route.opens_at)
    return len(changed)


def _execute(statement: str, now: datetime) -> int:
    values = {
        "ready": str(State.READY),
        "held": str(State.HELD),
        "enabled": str(Route.State.ENABLED),
        "reason": "Sent over another route, for the first one failed.",
        "now": now,
        "long_ago": now - FAILOVER_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]  # the stubs know of no dates
        return int(cursor.rowcount)
