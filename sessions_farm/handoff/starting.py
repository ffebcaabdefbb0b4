"""Begins a hand-off: who may, whom to ask, and the redirect that does it."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from sessions_farm.communities import Member, registry
from sessions_farm.context import Mall
from sessions_farm.handoff import pace, paths, verifier
from sessions_farm.handoff.breaker import breaker_of
from sessions_farm.handoff.state import PREFIX_LENGTH, State
from sessions_farm.links import absolute_url, origin
from sessions_farm.models import Community

Policy = Community.Policy


class SeeOther(HttpResponseRedirect):
    status_code = 303


def needs_id(request: HttpRequest, mall: Mall) -> bool:
    """Whether to ask another host who the visitor is: there is no id here, or one made here in the meantime.

    The master makes ids itself. Where its cookie was purged, the page that led here knows the visitor still.
    """
    if mall.is_master:
        return is_unknown(mall) and peer_behind(request) is not None
    return mall.id is None or mall.is_local


def is_unknown(mall: Mall) -> bool:
    """No id at all. In the grace of a rotation the browser has the new one already, only this page does not."""
    return mall.id is None and not mall.in_grace


def may_start(request: HttpRequest, client: Member) -> bool:
    """Whether nothing speaks against a hand-off for this page: policy, breaker, what this browser went through."""
    policy_allows = client.handoff_policy == Policy.EAGER or (
        client.handoff_policy == Policy.LAZY and has_need(request)
    )
    if hasattr(request, "carried"):  # the id stands in the address (cookieless): a hand-off goes by cookies
        return False
    if not policy_allows or not client.master_host or not paths.is_safe(request.get_full_path()):
        return False
    if gave_up(request, client) or not breaker_of(client.community_id).lets_through():
        return False
    kept = verifier.read(request, client)
    return kept is None or not kept.exhausted


def has_need(request: HttpRequest) -> bool:
    """The lazy policy: only for one who has something here to carry, or who comes from another member."""
    return request.mall.id is not None or peer_behind(request) is not None  # type: ignore[attr-defined]  # HostGate's


def gave_up(request: HttpRequest, client: Member) -> bool:
    """Whether a hand-off failed here a moment ago, by cookie, or by the page's own address where cookies are off."""
    addresses = (request.META.get("QUERY_STRING", ""), request.headers.get("HX-Current-URL", ""))
    return verifier.has_given_up(request, client) or any(paths.GAVE_UP in address for address in addresses)


def begin(request: HttpRequest, client: Member) -> HttpResponse | None:
    """The redirect to who may know this visitor; None where this client has begun too many."""
    if not pace.within_pace(request):
        return None
    breaker_of(client.community_id).begun()
    return redirect_to(peer_behind(request) or client.master_host, request, client, request.get_full_path(), attempt=0)


def redirect_to(authority: str, request: HttpRequest, client: Member, path: str, *, attempt: int) -> HttpResponse:
    kept = (verifier.read(request, client) or verifier.fresh()).once_more()
    state = State(path, attempt, kept.challenge[:PREFIX_LENGTH], authority)
    question = urlencode({"m": client.host, "ch": kept.challenge, "st": state.seal(client)})
    response = unseen(HttpResponseRedirect(absolute_url(authority, f"{paths.AUTHORIZE}?{question}")))
    verifier.keep(response, client, kept)
    return response


def peer_behind(request: HttpRequest) -> str | None:
    """The member whose page led here, by the Referer's origin.

    Its site began the navigation, so bounce tracking mitigations don't count it as a tracker in between, and it may
    know the visitor still where the master's cookie was purged (W3C nav-tracking-mitigations).
    """
    here: Member = request.mall.member  # type: ignore[attr-defined]  # HostGate's
    try:
        url = urlsplit(request.headers.get("Referer", ""))
        host = (url.hostname or "").lower()
    except ValueError:
        return None
    peer = registry.resolve(host) if host else None
    if peer is None or peer.canonical_host or peer.community_id != here.community_id or peer.host == here.host:
        return None
    if f"{url.scheme}://{url.netloc}".lower() != origin(host) or not (here.peer_authority or peer.is_master):
        return None
    return host


def unseen[Response: HttpResponse](response: Response) -> Response:
    """Kept by no cache, told to nobody by a Referer, in no search engine."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Vary"] = "Cookie, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose, HX-Request"
    return response
