"""Views that serve the stores' stylesheets."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from sessions_farm.web.decorators import session_off
from vendors import stylesheets
from vendors.http import MallRequest
from vendors.middleware import get_open_storefront
from vendors.storefronts import storefronts
from vendors.stylesheets import content_digest, stylesheet, stylesheet_url, stylesheet_url_of

MOST_STORES = 100  # on one page
IMMUTABLE = "public, max-age=31536000, immutable"


@session_off
def store_stylesheet(request: MallRequest, slug: str, digest: str) -> HttpResponseBase:
    """Serve the colours of one store."""
    store = get_open_storefront(slug, request.mall.member.community_id)
    return _stylesheet_response(stylesheet([store]), stylesheet_url(store), digest)


@session_off
def stores_stylesheet(request: MallRequest, digest: str) -> HttpResponseBase:
    """Serve the colours of some stores, for pages that show many."""
    asked = request.GET.getlist("store")[:MOST_STORES]
    found = [store for slug in asked if (store := storefronts.by_slug(slug))]
    shown = [store for store in found if store.community_id == request.mall.member.community_id]
    if not shown:
        raise Http404("None of these stores is open, so there are none to colour.")
    return _stylesheet_response(stylesheet(shown), stylesheet_url_of(shown), digest)


@session_off
def look_stylesheet(request: HttpRequest) -> HttpResponseBase:
    """Serve the colours of the address, for the back office and the preview of a store that is not open."""
    colours = {name: request.GET.get(name, "") for name in ("accent", "paper", "ink")}
    if not all(map(stylesheets.is_colour, colours.values())):
        raise Http404("Three colours are needed, each as #rrggbb.")
    text = stylesheets.look_stylesheet(**colours)
    return HttpResponse(text, content_type="text/css; charset=utf-8", headers={"Cache-Control": IMMUTABLE})


def _stylesheet_response(text: str, current_url: str, requested_digest: str) -> HttpResponseBase:
    if requested_digest != content_digest(text):
        return HttpResponseRedirect(current_url)
    return HttpResponse(text, content_type="text/css; charset=utf-8", headers={"Cache-Control": IMMUTABLE})
