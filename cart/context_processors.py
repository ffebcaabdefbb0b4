"""The cart's count in the frame."""

import functools
from typing import Any

from cart.current import count_of
from vendors.http import MallRequest


def cart(request: MallRequest) -> dict[str, Any]:
    """``cart_count``: asked of the database once, and only by a template that shows it."""
    return {"cart_count": functools.cache(functools.partial(count_of, request))}
