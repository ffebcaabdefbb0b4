"""Keys of vendors' own programs: made, found by their digest, counted, revoked. The text of a key is shown once."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q
from django.utils import timezone
from redis.exceptions import RedisError

from support_watch import limits
from support_watch.feed.connections import query_client
from support_watch.models import DeskKey

logger = logging.getLogger(__name__)
PREFIX: Final = "desk_"
USED_EVERY = timedelta(minutes=1)  # how exactly it is kept when a key was last used


def make_key(*, vendor_id: int, name: str, scopes: Sequence[str], by: str, now: datetime) -> tuple[DeskKey, str]:
    """Make a key; return its row and its text, which is kept nowhere."""
    text = PREFIX + secrets.token_urlsafe(24)
    row = DeskKey(
        vendor_id=vendor_id, name=name, digest=digest_of(text), scopes=list(scopes), made_at=now, made_by_name=by
    )
    row.save()
    return row, text


def revoke_key(*, vendor_id: int, key_id: int, now: datetime) -> int:
    """Revoke a key of a vendor; return 0 where there is none that is valid. Open streams end at their next check."""
    return DeskKey.objects.valid().filter(vendor=vendor_id, pk=key_id).update(revoked_at=now)


def find(text: str, *, slug: str, scope: str) -> DeskKey | None:
    """Return the valid key with a text that opens a part of a vendor's feed, and keep that it was used."""
    if not text.startswith(PREFIX):
        return None
    found = DeskKey.objects.valid().filter(digest=digest_of(text), vendor__slug=slug, scopes__contains=[scope]).first()
    if found is not None:
        now = timezone.now()
        unused = Q(used_at=None) | Q(used_at__lt=now - USED_EVERY)
        DeskKey.objects.filter(unused, pk=found.pk).update(used_at=now)
    return found


def digest_of(text: str) -> str:
    """Return the digest under which a key is kept; its text is random, so a plain hash gives nothing away."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def allow(key: DeskKey, now: datetime) -> bool:
    """Count one more request of a key in this minute, over the farm; return False beyond REQUESTS_PER_MINUTE.

    Requests are not counted while Redis is away, nor is there anything to read then.
    """
    window = f"watch:requests:{key.pk}:{int(now.timestamp() // 60)}"
    try:
        with query_client() as client, client.pipeline() as both:
            both.incr(window)
            both.expire(window, 120)
            count, _ = both.execute()
    except RedisError as error:
        logger.warning("Requests of the desk's keys are not counted now: %s", error)
        return True
    return int(count) <= limits.REQUESTS_PER_MINUTE
