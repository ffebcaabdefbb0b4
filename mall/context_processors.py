"""Template context of every page: the departments, the node, the developers' figures."""

import functools
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from mall import node
from sessions_farm.communities.context import Mall
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.query_plans import planned
from sessions_farm.communities.registry import registry
from vendors import languages
from vendors.models import Category
from vendors.storefronts import CachedMarketplace

LABEL_LENGTH = 8


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return the context of a page's header and footer; expensive values are lazy."""
    market: CachedMarketplace | None = getattr(request, "marketplace", None)
    return {
        "languages": [(code, languages.tag_of(code), name) for code, name in settings.LANGUAGES],
        "language": languages.current(),
        "node": node.name(),
        "demo": settings.DEMO,
        "other_malls": functools.partial(other_malls, market),
        "show_figures": settings.DEBUG or settings.DEMO,
        "figures": functools.partial(request_figures, request),
        "departments": functools.cache(functools.partial(departments, market)),
    }


def other_malls(market: CachedMarketplace | None) -> list[tuple[str, str]]:
    """Return the names and addresses of the other communities of this farm, for the demo's front page."""
    masters = registry.current().masters.values() if market else ()
    others = (master for master in masters if market and master.community_id != market.community_id)
    return [(master.name, absolute_url(master.host, "/")) for master in others]


def departments(market: CachedMarketplace | None) -> list[Category]:
    """Return the top categories of a marketplace."""
    return [] if market is None else _top_level(market.marketplace_id)


@planned
def _top_level(marketplace_id: int) -> QuerySet[Category]:
    return Category.objects.top_level(marketplace_id)


def request_figures(request: HttpRequest) -> list[tuple[str, object]]:
    """Return the host, the visitor's label and the session's round trips of this request."""
    mall: Mall | None = getattr(request, "mall", None)
    if mall is None or mall.member is None:
        return []
    shown: list[tuple[str, object]] = [("host", mall.member.host), ("visitor", visitor_label(mall))]
    if (counts := getattr(getattr(request, "session", None), "round_trips", None)) is not None:
        shown.append(("session trips", counts.trips))
    return shown


def visitor_label(mall: Mall) -> str:
    """Return a short hash of the mall id: the same on every host once the hand-off is done."""
    if mall.id is None:
        return "not known yet"
    label = mall.key_hash[:LABEL_LENGTH]
    return f"{label}, known on this host only" if mall.is_local else f"{label}, the same in every shop"
