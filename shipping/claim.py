"""Claim due work of many routes at once: a lease frees a killed worker's claims, a fencing token stops a slow worker.

The routes are locked first, and skipped where another worker claims of them; then their dispatches in flight are
counted. So two workers together keep a route's limit. Free slots go to the routes that have the fewest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.db import connection, transaction

from shipping import states, transports
from shipping.models import Dispatch, Route
from shipping.states import State
from shipping.transports.base import CollectingTransport, PushTransport, SentFile

LEASE = timedelta(seconds=15)
"""A worker renews its leases while it sends; one that is silent for longer counts as dead."""

ROUTES = 200
"""Most routes of one claim, those first that wait longest."""

LOOK_LEASE = timedelta(seconds=40)
"""Longer than the deadline of a look for acknowledgements, so that it needs no renewal."""

# The inner select is materialised: as a plain IN (…) the planner may run it again and lock more rows than the limit.
CLAIM = """
WITH due AS MATERIALIZED (
    SELECT picked.id FROM unnest(%(routes)s::bigint[], %(limits)s::int[]) WITH ORDINALITY AS route (id, most, turn)
    CROSS JOIN LATERAL (
        SELECT count(*) AS flying FROM shipping_dispatch
        WHERE route_id = route.id AND state = %(sending)s AND next_at > %(now)s
    ) AS load
    CROSS JOIN LATERAL (
        SELECT id, next_at FROM shipping_dispatch
        WHERE route_id = route.id AND state = ANY(%(live)s) AND next_at <= %(now)s
        ORDER BY next_at, id
        LIMIT greatest(0, route.most - load.flying)
        FOR UPDATE SKIP LOCKED
    ) AS picked
    ORDER BY load.flying + row_number() OVER (PARTITION BY route.id ORDER BY picked.next_at, picked.id), route.turn
    LIMIT %(limit)s
)
UPDATE shipping_dispatch AS dispatch
SET state = %(sending)s, fence = fence + 1, next_at = %(lease_until)s, lease_owner = %(owner)s
FROM due WHERE dispatch.id = due.id
RETURNING dispatch.*
"""

# Routes with the ids that their claims need. The first inner select is one look at an index for each route.
DUE = """
SELECT route.*, department.vendor_id, market.community_id, ARRAY(
    SELECT encrypted_secret FROM shipping_vendorkey AS key
    WHERE key.vendor_id = department.vendor_id AND key.retired_at IS NULL ORDER BY key.id
) AS signing_keys
FROM shipping_route AS route
JOIN shipping_department AS department ON department.id = route.department_id
JOIN vendors_vendor AS vendor ON vendor.id = department.vendor_id
JOIN vendors_marketplace AS market ON market.id = vendor.marketplace_id
CROSS JOIN LATERAL ({select}) AS due
WHERE route.state = %(enabled)s AND (route.open_until IS NULL OR route.open_until <= %(now)s)
  AND (route.opens_at IS NULL OR route.opens_at <= %(now)s)
  AND route.transport = ANY(%(transports)s) AND (%(vendor)s::bigint IS NULL OR department.vendor_id = %(vendor)s)
ORDER BY due.since NULLS FIRST
LIMIT {most}
FOR NO KEY UPDATE OF route SKIP LOCKED
"""
DUE_WORK = DUE.format(
    most=ROUTES,
    select="""
    SELECT next_at AS since FROM shipping_dispatch
    WHERE route_id = route.id AND state = ANY(%(live)s) AND next_at <= %(now)s ORDER BY next_at LIMIT 1
""",
)
DUE_LOOKS = DUE.format(
    most=ROUTES,
    select="""
    SELECT route.acks_due_at AS since FROM shipping_dispatch
    WHERE route_id = route.id AND state = %(sent)s
      AND (route.acks_due_at IS NULL OR route.acks_due_at <= %(now)s) LIMIT 1
""",
)

RENEW = """
UPDATE shipping_dispatch AS dispatch SET next_at = %s
FROM unnest(%s::bigint[], %s::int[]) AS held (id, fence)
WHERE dispatch.id = held.id AND dispatch.fence = held.fence AND dispatch.state = %s
"""


@dataclass(frozen=True, slots=True)
class Room:
    """The free slots of a worker: for routes that work, and for routes whose last attempt failed."""

    healthy: int
    troubled: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The holder of claims, and the end of its hold."""

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A dispatch leased to this worker. ``probe``: the circuit breaker is half open and this attempt tests it."""

    dispatch: Dispatch
    route: Route
    probe: bool
    vendor_id: int
    community_id: int


@dataclass(frozen=True, slots=True)
class Look:
    """A route whose department's acknowledgements this worker looks for, and the dispatches in question."""

    route: Route
    vendor_id: int
    sent: list[SentFile]
    last_id: int


def database_now() -> datetime:
    """Return the database's time: the clock that all nodes share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


@transaction.atomic(savepoint=False)
def claim(*, room: Room, now: datetime, owner: str, lease: timedelta = LEASE) -> list[Claim]:
    """Claim due dispatches: as many of working routes as there is room, one of each troubled route."""
    healthy, troubled = _by_health(_due(DUE_WORK, now, transports.names_of(PushTransport)))
    troubled = troubled[: max(0, room.troubled)]
    healthy = healthy if room.healthy > 0 else []
    limits = {each.route.pk: _limit(each.route) for each in (*troubled, *healthy)}
    return _lease([*troubled, *healthy], limits, len(troubled) + max(0, room.healthy), now, Lease(owner, now + lease))


@transaction.atomic(savepoint=False)
def claim_for(*, vendor_id: int, transport: str, most: int, now: datetime, lease: Lease) -> list[Claim]:
    """Claim due dispatches of a vendor's routes over one transport, for the vendor's program that asks for them."""
    due = _due(DUE_WORK, now, [transport], vendor_id)
    return _lease(due, {each.route.pk: most for each in due}, most, now, lease)


def _lease(due: list[Due], limits: dict[int, int], most: int, now: datetime, lease: Lease) -> list[Claim]:
    """Claim dispatches of locked routes, each within its limit."""
    routes = {each.route.pk: each for each in due}
    if not routes:
        return []
    values = {
        "routes": list(routes),
        "limits": [limits[pk] for pk in routes],
        "live": sorted(states.LIVE),
        "sending": State.SENDING,
        "now": now,
        "limit": most,
        "lease_until": lease.until,
        "owner": lease.owner[:80],
    }
    return [
        Claim(dispatch, each.route, each.route.open_until is not None, each.vendor_id, each.community_id)
        for dispatch in Dispatch.objects.raw(CLAIM, values)
        for each in [routes[dispatch.route_id or 0]]
    ]


def _by_health(due: list[Due]) -> tuple[list[Due], list[Due]]:
    """Return due work of the routes that work, and of those that fail."""
    return [each for each in due if not each.route.failures], [each for each in due if each.route.failures]


def _limit(route: Route) -> int:
    """Return the route's limit; a route that fails, or has never worked, proves itself with one at a time."""
    return 1 if route.failures or route.last_ok_at is None else transports.get_push_transport(route.transport).in_flight


@dataclass(frozen=True, slots=True)
class Due:
    """A locked route with due work, and the ids of its vendor and its community."""

    route: Route
    vendor_id: int
    community_id: int


def _due(statement: str, now: datetime, names: list[str], vendor_id: int | None = None) -> list[Due]:
    """Lock the routes with due work; leave the locked ones to their worker."""
    values = {
        "enabled": Route.State.ENABLED,
        "live": sorted(states.LIVE),
        "sent": State.SENT,
        "transports": names,
        "vendor": vendor_id,
        "now": now,
    }
    return [
        Due(route, getattr(route, "vendor_id"), getattr(route, "community_id"))  # noqa: B009 -- of the statement, not of the model
        for route in Route.objects.raw(statement, values)
    ]


def renew(*, claims: Iterable[Claim], until: datetime) -> None:
    """Renew the leases of claims that are still this worker's."""
    held = [(claim.dispatch.pk, claim.dispatch.fence) for claim in claims]
    if held:
        with connection.cursor() as cursor:
            cursor.execute(RENEW, [until, [pk for pk, _ in held], [fence for _, fence in held], State.SENDING])


@transaction.atomic(savepoint=False)
def claim_looks(*, room: Room, now: datetime) -> list[Look]:
    """Claim routes whose acknowledgements are due to be looked for; another worker may after a while."""
    healthy, troubled = _by_health(_due(DUE_LOOKS, now, transports.names_of(CollectingTransport)))
    chosen = [*healthy[: max(0, room.healthy)], *troubled[: max(0, room.troubled)]]
    if chosen:
        Route.objects.filter(pk__in=[each.route.pk for each in chosen]).update(acks_due_at=now + LOOK_LEASE)
    return [_look(each) for each in chosen]


def _look(due: Due) -> Look:
    route = due.route
    sent = Dispatch.objects.filter(route=route, state=State.SENT, pk__gt=route.acks_after).order_by("pk")
    collecting = cast("type[CollectingTransport]", transports.get_transport(route.transport))  # no look without one
    most = collecting.most_files
    rows = list(sent.values_list("pk", "key", "sha256")[:most])
    whole = len(rows) < most
    return Look(route, due.vendor_id, [SentFile(key, sha256) for _, key, sha256 in rows], 0 if whole else rows[-1][0])
