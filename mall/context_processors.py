"""What the frame of each page shows: the departments, the node, the developers' figures."""

import functools
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from mall import node
from vendors.hosts import Market
from vendors.models import Category


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
    """What this request cost and how its session came here; (name, figure), as far as the farm says so."""
    session = getattr(request, "session", None)
    mall = getattr(request, "mall", None)
    named = {
        "session trips": getattr(session, "trips", None),
        "hand-off": getattr(mall, "handoff_note", None),
        "host": getattr(getattr(mall, "member", None), "host", None),
    }
    return [(name, figure) for name, figure in named.items() if figure is not None]
