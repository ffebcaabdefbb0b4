"""Redaction: a shopper withdraws consent, or asks to be forgotten; rows at once, the feed with or after them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from support_watch import visits
from support_watch.consent import Level
from support_watch.feed import writes
from support_watch.feed.writes import FeedUnavailableError
from support_watch.models import CartLook, Claim, SupportVisit

logger = logging.getLogger(__name__)
RELAY_BATCH = 50


def redact_shopper(*, vendor_ids: Iterable[int], subjects: Sequence[str], now: datetime) -> int:
    """Delete all that shops keep of a shopper's visits but their times; return the number of rows.

    Rows are found by the shopper's aliases, and by the visit that the feed knows them by. Where Redis is away, the feed
    follows later.
    """
    rows = visits_of(vendor_ids, subjects)
    with transaction.atomic():
        SupportVisit.objects.filter(pk__in=rows).update(
            level=Level.PRESENCE, page="", path="", subject="", redacting=True
        )
        Claim.objects.filter(visit__in=rows).update(note="")
    try:
        relay_redactions(now=now)
    except FeedUnavailableError:
        logger.warning("Redis does not take redactions; the screens follow later.")
    return len(rows)


def visits_of(vendor_ids: Iterable[int], subjects: Sequence[str]) -> list[int]:
    """Return the rows of a shopper's visits at vendors."""
    aliases = {vendor_id: visits.aliases(vendor_id, subjects) for vendor_id in vendor_ids}
    found = Q(subject__in=[alias for own in aliases.values() for alias in own])
    try:
        for vendor_id, own in aliases.items():
            if visit := writes.visit_of(vendor_id=vendor_id, aliases=own):
                found |= Q(vendor=vendor_id, visit=visit)
    except FeedUnavailableError:
        logger.warning("Redis does not answer; a visit is found by the alias that it began under.")
    return list(SupportVisit.objects.filter(found).values_list("pk", flat=True))


@transaction.atomic
def relay_redactions(*, now: datetime) -> int:
    """Let the feed forget the visits that were redacted; return their number. Raise FeedUnavailableError."""
    del now  # as the other relays
    pending = SupportVisit.objects.filter(redacting=True).order_by("pk").select_for_update(skip_locked=True)
    rows = list(pending[:RELAY_BATCH])
    for row in rows:
        writes.redact(vendor_id=row.vendor_id, visit=row.visit)
        row.redacting = False
        row.save(update_fields=["redacting"])
    return len(rows)


def looks_of(*, vendor_ids: Iterable[int], subjects: Sequence[str]) -> list[CartLook]:
    """Return the looks at a shopper's cart, the latest first."""
    rows = visits_of(vendor_ids, subjects)
    return list(CartLook.objects.filter(visit__in=rows).select_related("visit__vendor").order_by("-at")[:50])
