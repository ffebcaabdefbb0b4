"""Claims: a member of staff takes a visitor, one at a time over all screens and nodes, and lets go again.

The database decides who wins. Each begin and end is delivered to the feed after the commit; where Redis is away the row
stays pending, and the hub's relay delivers it later.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import QuerySet

from support_watch import limits
from support_watch.desk_settings import desk_settings
from support_watch.feed import writes
from support_watch.feed.writes import FeedUnavailableError
from support_watch.models import Claim, SupportVisit

logger = logging.getLogger(__name__)
RELAY_BATCH = 50


class Holder(TypedDict):
    """The person who holds a visit, and the note."""

    by: str
    user: int | None
    note: str


def claim_visit(*, vendor_id: int, visit: str, user: Any, note: str, now: datetime) -> Claim:
    """Take a visit; return the claim that holds, the user's own or that of the first to take it.

    Raise SupportVisit.DoesNotExist for a visit that is not of this vendor.
    """
    row = SupportVisit.objects.for_vendor(vendor_id).get(visit=visit)
    mine = Claim(visit=row, by=user, by_name=str(user)[:150], note=note, claimed_at=now, seen_at=now)
    Claim.objects.bulk_create([mine], ignore_conflicts=True)  # the constraint lets one of two through
    holding = Claim.objects.open().select_related("visit__vendor").filter(visit=row).first()
    if holding is None:  # released in between
        return claim_visit(vendor_id=vendor_id, visit=visit, user=user, note=note, now=now)
    deliver_soon(holding)
    return holding


def release_visit(*, vendor_id: int, visit: str, user: Any, now: datetime) -> bool:
    """Let a visit go that the user holds; return False where it is not theirs."""
    with transaction.atomic():
        mine = Claim.objects.open().select_for_update(of=("self",)).select_related("visit__vendor")
        held = mine.filter(visit__vendor=vendor_id, visit__visit=visit, by=user.pk).first()
        if held is not None:
            end([held], now)
    if held is not None:
        deliver_soon(held)
    return held is not None


def end_of_visits(*, vendor_id: int, visits: Iterable[str], now: datetime) -> None:
    """End the claims of visits that are over; their screens know it from the visit's own end."""
    held = Claim.objects.open().filter(visit__vendor=vendor_id, visit__visit__in=list(visits))
    held.update(released_at=now, pending=False)


def end_unseen(*, now: datetime) -> int:
    """End the claims whose holders have had no screen open for CLAIM_SECONDS; return their number."""
    before = now - timedelta(seconds=limits.CLAIM_SECONDS)
    with transaction.atomic():
        unseen = Claim.objects.open().filter(seen_at__lt=before).select_for_update(skip_locked=True)
        found = list(unseen[:RELAY_BATCH])
        end(found, now)
    return len(found)


def end(held: Iterable[Claim], now: datetime) -> None:
    """End claims; the feed is told later."""
    for claim in held:
        claim.released_at, claim.pending = now, True
        claim.save(update_fields=["released_at", "pending"])


def renew(*, user_id: Any, now: datetime) -> None:
    """Keep the claims of a user who has a screen open."""
    before = now - timedelta(seconds=limits.SEEN_SECONDS)
    Claim.objects.open().filter(by=user_id, seen_at__lt=before).update(seen_at=now)


def held(vendor_id: int) -> dict[str, Holder]:
    """Return the holders of a vendor's visits, by visit."""
    rows = Claim.objects.open().filter(visit__vendor=vendor_id)
    return {
        visit: Holder(by=by_name, user=by, note=note)
        for visit, by_name, by, note in rows.values_list("visit__visit", "by_name", "by", "note")
    }


def deliver_soon(claim: Claim) -> None:
    """Deliver a claim's news after the commit; leave it to the relay where Redis is away."""

    def deliver() -> None:
        try:
            deliver_claim(claim)
        except FeedUnavailableError:
            logger.warning("Redis does not take claims; the screens are told later.")

    if claim.pending:
        transaction.on_commit(deliver)


def deliver_claim(claim: Claim) -> None:
    """Tell the feed of a claim's begin or end. Raise FeedUnavailableError."""
    visit = claim.visit
    if claim.released_at is None:
        greets = desk_settings.of(visit.vendor_id).greets
        line = f"Somebody from {visit.vendor} is here for you." if greets else ""
        writes.publish_claim(vendor_id=visit.vendor_id, visit=visit.visit, by=claim.by_name, note=claim.note, line=line)
    elif not Claim.objects.open().filter(visit=visit).exists():
        writes.publish_release(vendor_id=visit.vendor_id, visit=visit.visit)
    # Whoever ended the claim meanwhile has news of their own.
    Claim.objects.filter(pk=claim.pk, released_at=claim.released_at).update(pending=False)


@transaction.atomic
def relay_claims(*, now: datetime) -> int:
    """Deliver the news of claims that Redis missed, the oldest first; return the number of rows.

    Raise FeedUnavailableError where Redis is still away.
    """
    Claim.objects.filter(pending=True, claimed_at__lt=now - timedelta(days=1)).update(pending=False)
    rows = list(undelivered(now)[:RELAY_BATCH])
    for claim in rows:
        deliver_claim(claim)
    return len(rows)


def undelivered(now: datetime) -> QuerySet[Claim]:
    """Return the claims of which the feed was not told; not those of this second, whose own request is at it."""
    fresh = now - timedelta(seconds=1)
    rows = Claim.objects.filter(pending=True, claimed_at__lt=fresh).order_by("pk")
    return rows.select_related("visit__vendor").select_for_update(of=("self",), skip_locked=True)
