"""Lazy fetches refused: the code of shop, cart and checkout reads no related row or deferred field one by one.

Tests may be lazy, and so may workers, the admin and the validation of a row, for which no shopper waits.
"""

import sys
from pathlib import Path
from typing import Any

from django.db.models.fetch_modes import FETCH_ONE, FETCH_RAISE, FetchMode

PROJECT = f"{Path(__file__).resolve().parent.parent.parent}/"
SHOP = {"vendors", "cart", "mall"}


class RefusedToTheShop(FetchMode):
    """Raise FieldFetchBlocked where the nearest caller within the project is the shop's code."""

    __slots__ = ()

    def fetch(self, fetcher: Any, instance: Any) -> None:
        """Fetch, or raise."""
        (FETCH_RAISE if is_called_by_the_shop() else FETCH_ONE).fetch(fetcher, instance)


REFUSED = RefusedToTheShop()


def is_called_by_the_shop() -> bool:
    """Return whether the shop's code asks; a template counts for the view that renders it."""
    frame = sys._getframe(2)
    nearest = ""
    while frame is not None:
        path = frame.f_code.co_filename
        if "/contrib/admin/" in path or frame.f_code.co_name == "full_clean":
            return False
        if not nearest and path.startswith(PROJECT) and "/.venv/" not in path:
            nearest = path.removeprefix(PROJECT).partition("/")[0]
        if nearest and nearest not in SHOP:
            return False
        frame = frame.f_back
    return bool(nearest)
