"""What happens to visits: they are recorded, told late after an outage, and ended."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from redis.exceptions import RedisError

from support_watch import feed, stream, visits
from support_watch.connections import patient
from support_watch.models import SupportVisit
from support_watch.stream import FeedDown, Page
from support_watch.visits import PageToken

logger = logging.getLogger(__name__)
RELAY_BATCH = 50


def record_arrival(*, token: PageToken, page: str, subjects: Sequence[str], now: datetime) -> PageToken:
    """Announce a visit, once a session, and keep its row; the page's token as it then is.

    Never fails for want of Redis: the row then waits to be told late.
    """
    aliases = visits.aliases(token.vendor_id, subjects)
    candidate = visits.candidate(token.vendor_id, subjects[0], now)
    row = SupportVisit(
        vendor_id=token.vendor_id,
        visit=candidate,
        subject=aliases[0],
        page=page,
        path=token.path[:300],
        arrived_at=now,
    )
    at = int(now.timestamp() * 1000)
    try:
        arrival = stream.arrive(
            vendor_id=token.vendor_id,
            visit=candidate,
            tab=token.tab,
            aliases=aliases,
            page=Page(token.path, token.title),
        )
    except FeedDown:
        logger.warning("Redis does not take support visits; they are kept and told late.")
        row.published = False
        keep(row)
        return replace(token, visit=candidate, at=at, counted=True)
    if arrival.first:
        row.visit = arrival.visit
        keep(row)
    return replace(token, visit=arrival.visit, at=arrival.at, counted=True)


def keep(row: SupportVisit) -> None:
    """Insert the row; one that is there already stays as it is."""
    SupportVisit.objects.bulk_create([row], ignore_conflicts=True)


@transaction.atomic
def relay_untold(*, now: datetime) -> int:
    """Tell the feed of arrivals that it missed, the oldest first; how many rows were settled.

    Rows that another process relays are skipped. A crash before the commit repeats the telling, which Redis knows.
    Raise FeedDown where Redis is still away.
    """
    rows = list(SupportVisit.objects.untold(now).select_for_update(skip_locked=True)[:RELAY_BATCH])
    for row in rows:
        relay_one(row)
    return len(rows)


def relay_one(row: SupportVisit) -> None:
    told = stream.relay(
        vendor_id=row.vendor_id,
        visit=row.visit,
        alias=row.subject,
        at=int(row.arrived_at.timestamp() * 1000),
        page=Page(row.path, ""),
    )
    if told < 0:
        row.delete()  # the same session came before the outage: it is in the history already
        return
    row.published = True
    row.late = told > 0
    row.save(update_fields=["published", "late"])


def note_departures(*, vendor_id: int, left: Mapping[str, datetime]) -> None:
    """Write into the history when visits ended; a visit that comes back ends again later."""
    rows = list(SupportVisit.objects.for_vendor(vendor_id).filter(visit__in=left))
    for row in rows:
        row.left_at = left[row.visit]
    SupportVisit.objects.bulk_update(rows, ["left_at"])


def end_visits(*, vendor_id: int) -> None:
    """End what is over now, for a page that is about to be rendered; without Redis it waits for the next time."""
    try:
        with patient() as client:
            left = feed.sweep_now(client, vendor_id).left
    except RedisError as error:
        logger.warning("The visits that are over cannot be ended now: %s", error)
        return
    if left:
        note_departures(vendor_id=vendor_id, left=left)


def forget_old(*, now: datetime) -> int:
    """Delete the visits that are kept no longer; how many."""
    deleted, _ = SupportVisit.objects.to_forget(now).delete()
    return deleted
