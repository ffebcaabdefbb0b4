"""A look at a shopper's cart: only while the shopper allows it, only the vendor's own goods, each look is written."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from redis.exceptions import RedisError

from cart.models import Line
from sessions_farm.communities.visitors.lookup import visitors_with
from sessions_farm.stores.base import StoreUnavailableError
from support_watch import consent
from support_watch.feed import reads
from support_watch.feed.connections import query_client
from support_watch.models import CartLook, SupportVisit


class NotAllowedError(Exception):
    """The shopper does not let the cart be seen, or has gone; the message is for staff."""


def look(*, vendor_id: int, visit: str, user: Any, now: datetime) -> list[Line]:
    """Return the lines of the vendor's goods in the cart of a present shopper, and write the look down.

    Raise NotAllowedError.
    """
    row = SupportVisit.objects.for_vendor(vendor_id).filter(visit=visit).first()
    try:
        with query_client() as client:
            handle = reads.handle_of(client, vendor_id, visit)
        is_allowed = row is not None and consent.allows_cart(handle)
    except (RedisError, StoreUnavailableError) as error:
        raise NotAllowedError("Whether the shopper allows it cannot be read at the moment.") from error
    if row is None or not is_allowed:
        raise NotAllowedError("This shopper does not let the cart be seen.")
    CartLook.objects.create(visit=row, by=user, by_name=str(user)[:150], at=now)
    return list(lines_of(handle, vendor_id))


def lines_of(handle: str, vendor_id: int) -> QuerySet[Line]:
    """Select the lines of a vendor's goods in the cart of a session's visitor."""
    lines = Line.objects.filter(cart__visitor__in=visitors_with([handle]), variant__product__vendor=vendor_id)
    return lines.select_related("variant__product").order_by("pk")
