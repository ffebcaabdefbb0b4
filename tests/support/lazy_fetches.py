"""Lazy fetches refused: the code of shop, cart and checkout reads no related row or deferred field one by one.

Tests may be lazy, and so may workers, the admin and the validation of a row, for which no shopper waits.
"""

import sys
from pathlib import Path
from typing import Any

from django.db.models.fetch_modes import FETCH_ONE, FETCH_RAISE, FetchMode

PROJECT = f"{Path(__file__).resolve().parent.parent.parent}/"
SHOP = (  # what runs while a shopper waits
    "vendors/views.py", "vendors/listing.py", "vendors/cards.py", "vendors/context_processors.py", "cart/views.py",
    "cart/summary.py", "cart/services.py", "cart/context", "cart/till_views.py", "cart/copies.py", "cart/checkout/",
    "mall/views.py", "mall/order_page.py", "mall/order_status_views.py", "cart/aftersale/views.py",
    "cart/aftersale/contact_views.py", "cart/orders/access.py", "mall/context_processors.py",
)  # fmt: skip


class RefusedToTheShop(FetchMode):
    """Raise FieldFetchBlocked where the shop's code asks, itself or by a template."""

    __slots__ = ()

    def fetch(self, fetcher: Any, instance: Any) -> None:
        """Fetch, or raise."""
        (FETCH_RAISE if is_called_by_the_shop() else FETCH_ONE).fetch(fetcher, instance)


REFUSED = RefusedToTheShop()


def is_called_by_the_shop() -> bool:
    """Return whether a shopper waits: the shop's code is among the callers, and the admin or a validation is not."""
    frame = sys._getframe(2)
    is_shop = False
    while frame is not None:
        path = frame.f_code.co_filename
        if "/contrib/admin/" in path or "/auditlog/" in path or frame.f_code.co_name == "full_clean":
            return False
        if not is_shop and path.startswith(f"{PROJECT}sessions_farm/"):
            return False
        is_shop = is_shop or path.removeprefix(PROJECT).startswith(SHOP)
        frame = frame.f_back
    return is_shop
