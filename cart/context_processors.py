"""The cart's count in the frame."""

import functools
from typing import Any

from django.http import HttpRequest

from cart.current import count_of


def cart(request: HttpRequest) -> dict[str, Any]:
    """``cart_count``: asked of the database once, and only by a template that shows it."""
    return {"cart_count": functools.cache(functools.partial(count_of, request))}
