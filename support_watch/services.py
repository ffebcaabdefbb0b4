"""Changes of visits: record arrivals, deliver them late after an outage, end and delete visits."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from support_watch import claims, visits
from support_watch.consent import Consent, Level
from support_watch.feed import reads, writes
from support_watch.feed.connections import query_client
from support_watch.feed.writes import FeedUnavailableError, Page
from support_watch.models import SupportVisit
from support_watch.visits import PageToken

logger = logging.getLogger(__name__)
RELAY_BATCH = 50


def record_arrival(
    *, token: PageToken, subjects: Sequence[str], consent: Consent, handle: str, now: datetime, number: int = 0
) -> tuple[PageToken, str]:
    """Announce a visit, once a session, and insert its row; return the page's token with the visit's id, and the line.

    ``number`` is the page's beacon that began the visit, 0 where its request did. The line is what a member of staff
    who looks after the visit has for the shopper.

    Never fails while Redis is away: the row stays pending and is delivered late.
    """
    aliases = visits.aliases(token.vendor_id, subjects)
    candidate = visits.candidate(token.vendor_id, subjects[0], now)
    is_shown = consent.level > Level.PRESENCE
    row = SupportVisit(
        vendor_id=token.vendor_id,
        visit=candidate,
        subject=aliases[0],
        page=token.page if is_shown else "",
        path=token.path[:300] if is_shown else "",
        level=consent.level,
        arrived_at=now,
    )
    at = int(now.timestamp() * 1000)
    try:
        arrival = writes.arrive(
            vendor_id=token.vendor_id,
            visit=candidate,
            tab=token.tab,
            aliases=aliases,
            page=Page(token.path, token.title, level=consent.level, chosen=consent.chosen),
            number=number,
            handle=handle,
        )
    except FeedUnavailableError:
        logger.warning("Redis does not take support visits; they are stored and delivered late.")
        row.published = False
        insert_once(row)
        return replace(token, visit=candidate, at=at, counted=True), ""
    if arrival.first:
        row.visit = arrival.visit
        insert_once(row)
    return replace(token, visit=arrival.visit, at=arrival.at, counted=True), arrival.line


def insert_once(row: SupportVisit) -> None:
    """Insert the row; idempotent."""
    SupportVisit.objects.bulk_create([row], ignore_conflicts=True)


@transaction.atomic
def relay_pending(*, now: datetime) -> int:
    """Deliver pending arrivals to the feed, the oldest first; return the number of rows.

    Rows that another process relays are skipped. A crash before the commit repeats the delivery, which Redis
    deduplicates. Raise FeedUnavailableError where Redis is still away.
    """
    rows = list(SupportVisit.objects.pending(now).select_for_update(skip_locked=True)[:RELAY_BATCH])
    for row in rows:
        relay_one(row)
    return len(rows)


def relay_one(row: SupportVisit) -> None:
    """Deliver one pending arrival; raise FeedUnavailableError."""
    delivered = writes.relay(
        vendor_id=row.vendor_id,
        visit=row.visit,
        alias=row.subject,
        at=int(row.arrived_at.timestamp() * 1000),
        page=Page(row.path, "", level=row.level),
    )
    if delivered < 0:
        row.delete()  # the same session came before the outage: it is in the history already
        return
    row.published = True
    row.late = delivered > 0
    row.save(update_fields=["published", "late"])


def record_departures(*, vendor_id: int, left: Mapping[str, datetime]) -> None:
    """Write the ends of visits into the history; a visit that comes back ends again later."""
    rows = list(SupportVisit.objects.for_vendor(vendor_id).filter(visit__in=left))
    for row in rows:
        row.left_at = left[row.visit]
    SupportVisit.objects.bulk_update(rows, ["left_at"])
    claims.end_of_visits(vendor_id=vendor_id, visits=left, now=timezone.now())


def end_visits(*, vendor_id: int) -> None:
    """End the visits that are over, before a page is rendered; do nothing while Redis is away."""
    try:
        with query_client() as client:
            left = reads.sweep_now(client, vendor_id).left
    except RedisError as error:
        logger.warning("The visits that are over cannot be ended now: %s", error)
        return
    if left:
        record_departures(vendor_id=vendor_id, left=left)


def delete_old(*, now: datetime) -> int:
    """Delete the visits past their retention time; return their number."""
    deleted, _ = SupportVisit.objects.expired(now).delete()
    return deleted
