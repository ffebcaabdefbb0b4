"""The products that a visitor looked at last, over all shops, as a variable of the session (ADR 76).

Nothing is remembered for a browser that asks not to be followed, nor for one without an id: looking at goods makes
no id. The list ends with the session, with a sign-out, and by the shopper's word.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sessions_farm.web.clients import is_prefetch
from vendors import card_refresh, cards
from vendors.held_goods import mark_stock, products_held
from vendors.http import MallRequest, asks_not_to_be_followed
from vendors.models import ProductCard

VIEWED: Final = "recently_viewed"
MOST: Final = 12
SHOWN: Final = 5


def viewed_by(request: MallRequest) -> list[int]:
    """Return the keys of the products that a request's visitor looked at, the last first."""
    if asks_not_to_be_followed(request) or request.mall.id is None or request.mall.session is None:
        return []
    kept: Any = request.mall.session.get(VIEWED)
    return [each for each in kept if type(each) is int][:MOST] if isinstance(kept, list) else []


def remember(request: MallRequest, product_id: int) -> None:
    """Put a product first in the list of its visitor."""
    if asks_not_to_be_followed(request) or is_prefetch(request) or request.mall.id is None:
        return
    before = viewed_by(request)
    after = [product_id, *(each for each in before if each != product_id)][:MOST]
    if after != before:
        request.session[VIEWED] = after
        # Where it cannot be written, in a fail-over, the page goes on without: it was made to be read.
        request.session.optional = True


def forget(request: MallRequest) -> None:
    """Empty the list of a visitor."""
    if request.mall.id is not None and VIEWED in request.session:
        del request.session[VIEWED]


def recent_cards(request: MallRequest, now: datetime) -> list[ProductCard]:
    """Return the products that a visitor looked at and that are still on sale, the last first."""
    keys = viewed_by(request)
    if not keys:
        return []
    card_refresh.refresh(now)
    return mark_stock(cards.in_order(keys, cards.public_cards(keys))[:SHOWN], products_held(now))
