"""A store's colours as a stylesheet of its own: the strict CSP allows no style in a page.

The address holds a digest of the text, so it may be kept for ever; an old address leads to the new one.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from sessions_farm.web.decorators import session_off
from vendors import palette
from vendors.hosts import Store, stores
from vendors.http import MallRequest
from vendors.middleware import open_store

DIGEST_LENGTH = 10
FOR_EVER = "public, max-age=31536000, immutable"


@lru_cache(maxsize=2048)
def rule(store: Store) -> str:
    """The custom properties of one store, for every element that carries its slug in ``data-store``."""
    pairs = palette.schemes(store.accent, store.paper, store.ink).items()
    tokens = "".join(f"--{name.replace('_', '-')}:light-dark({day},{night});" for name, (day, night) in pairs)
    return f'[data-store="{store.slug}"]{{{tokens}}}\n'


def sheet(shown: Sequence[Store]) -> str:
    return "@layer tokens{\n" + "".join(map(rule, shown)) + "}\n"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def address(store: Store) -> str:
    return reverse("theme:store", kwargs={"slug": store.slug, "digest": digest(sheet([store]))})


def address_of_all(marketplace_id: int) -> str:
    return reverse("theme:all", kwargs={"digest": digest(sheet(stores.of_marketplace(marketplace_id)))})


@session_off
def store_sheet(request: MallRequest, slug: str, digest: str) -> HttpResponseBase:
    store = open_store(slug, request.mall.member.community_id)
    return answer(sheet([store]), address(store), digest)


@session_off
def all_sheets(request: MallRequest, digest: str) -> HttpResponseBase:
    """The colours of every open store of this mall, for pages that show many."""
    if request.marketplace is None:
        raise Http404("This community has no marketplace, so there are no stores to colour.")
    shown = stores.of_marketplace(request.marketplace.marketplace_id)
    return answer(sheet(shown), address_of_all(request.marketplace.marketplace_id), digest)


def answer(text: str, current: str, asked: str) -> HttpResponseBase:
    if asked != digest(text):
        return HttpResponseRedirect(current)
    return HttpResponse(text, content_type="text/css; charset=utf-8", headers={"Cache-Control": FOR_EVER})
