"""Claims: the orders of a guest become those of the account that has their e-mail address confirmed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import F

from cart.orders.models import Order


@transaction.atomic
def claim_orders(*, user: Any, emails: Collection[str], numbers: Collection[str], community_id: int) -> int:
    """Give a user those of the numbered orders that guests made with one of their addresses; return how many.

    Links to their pages that were mailed before end: another person may read the mailbox. The caller has locked the
    confirmed addresses.
    """
    rows = Order.objects.of_guests(emails, community_id).filter(number__in=numbers)
    found = list(rows.order_by("pk").select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    return Order.objects.filter(pk__in=found).update(user=user, link_version=F("link_version") + 1)
