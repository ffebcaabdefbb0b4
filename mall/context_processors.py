"""What the frame of each page shows: the departments, the node, the developers' figures."""

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from mall import node
from sessions_farm.communities.context import Mall
from vendors.hosts import Market
from vendors.models import Category

MARK_LENGTH = 8


def frame(request: HttpRequest) -> dict[str, Any]:
    market: Market | None = getattr(request, "marketplace", None)
    return {
        "node": node.name(),
        "demo": settings.DEMO,
        "show_figures": settings.DEBUG or settings.DEMO,
        "figures": functools.partial(figures, request),
        "departments": functools.cache(functools.partial(departments, market)),
    }


def departments(market: Market | None) -> list[Category]:
    return [] if market is None else list(Category.objects.top(market.marketplace_id))


def figures(request: HttpRequest) -> list[tuple[str, object]]:
    """What this request cost, and the visitor's mark: the same on every host once the hand-off is done."""
    mall: Mall | None = getattr(request, "mall", None)
    if mall is None or mall.member is None:
        return []
    shown: list[tuple[str, object]] = [("host", mall.member.host), ("visitor", mark_of(mall))]
    if (trips := getattr(getattr(request, "session", None), "trips", None)) is not None:
        shown.append(("session trips", trips))
    return shown


def mark_of(mall: Mall) -> str:
    if mall.id is None:
        return "not known yet"
    mark = mall.key_hash[:MARK_LENGTH]
    return f"{mark}, known on this host only" if mall.is_local else f"{mark}, the same in every shop"
