"""Template variable with the number of pieces in the cart."""

import functools
from typing import Any

from cart.context import count_pieces
from vendors.http import MallRequest


def cart(request: MallRequest) -> dict[str, Any]:
    """Return ``cart_count``, lazy and cached: one query, and only in a template that shows it."""
    return {"cart_count": functools.cache(functools.partial(count_pieces, request))}
