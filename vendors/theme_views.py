"""Views that serve the stores' stylesheets."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from sessions_farm.web.decorators import session_off
from vendors import stylesheets
from vendors.http import MallRequest
from vendors.middleware import get_open_storefront
from vendors.storefronts import storefronts
from vendors.stylesheets import content_digest, marketplace_stylesheet_url, stylesheet, stylesheet_url

IMMUTABLE = "public, max-age=31536000, immutable"


@session_off
def store_stylesheet(request: MallRequest, slug: str, digest: str) -> HttpResponseBase:
    """Serve the colours of one store."""
    store = get_open_storefront(slug, request.mall.member.community_id)
    return _stylesheet_response(stylesheet([store]), stylesheet_url(store), digest)


@session_off
def marketplace_stylesheet(request: MallRequest, digest: str) -> HttpResponseBase:
    """Serve the colours of every open store of a marketplace, for pages that show many."""
    if request.marketplace is None:
        raise Http404("This community has no marketplace, so there are no stores to colour.")
    marketplace_id = request.marketplace.marketplace_id
    text = stylesheet(storefronts.of_marketplace(marketplace_id))
    return _stylesheet_response(text, marketplace_stylesheet_url(marketplace_id), digest)


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
