"""Begins a hand-off: what may speak against it, and the redirect that does it."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from sessions_farm.communities.handoff import audit, paths, rate_limit, verifier
from sessions_farm.communities.handoff.audit import Outcome, Skipped
from sessions_farm.communities.handoff.breaker import breaker_of
from sessions_farm.communities.handoff.health_probe import probe
from sessions_farm.communities.handoff.state import PREFIX_LENGTH, State
from sessions_farm.communities.handoff.triggers import Need, peer_behind
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Community
from sessions_farm.communities.registry import Member

Policy = Community.Policy


class SeeOther(HttpResponseRedirect):
    status_code = 303


def hindrance(request: HttpRequest, client: Member) -> Skipped | None:
    """What speaks against any hand-off of this request, whoever the visitor is; looks into no session."""
    if client.handoff_policy == Policy.OFF:
        return Skipped.POLICY_OFF
    if not client.master_host:
        return Skipped.NO_MASTER
    if hasattr(request, "carried"):  # a hand-off goes by cookies
        return Skipped.CARRIED
    if not paths.is_safe(request.get_full_path()):
        return Skipped.ADDRESS
    return hindrance_of_place(client) or hindrance_of_browser(request, client)


def hindrance_of_place(client: Member) -> Skipped | None:
    if client.is_paused:
        return Skipped.PAUSED
    if not client.is_master:
        probe.watch(client.master_host)
        if not breaker_of(client.master_host).lets_through():
            return Skipped.AUTHORITY_DOWN
    return None


def hindrance_of_browser(request: HttpRequest, client: Member) -> Skipped | None:
    if gave_up(request, client):
        return Skipped.GAVE_UP
    kept = verifier.read(request, client)
    return Skipped.TOO_OFTEN if kept is not None and kept.is_exhausted(client) else None


def is_premature(request: HttpRequest, client: Member, need: Need) -> bool:
    """Under a lazy policy: only for one who has something here to carry, or who comes from another member.

    A browser that asks not to be followed (Global Privacy Control, Sec-GPC: 1) makes any policy lazy.
    """
    lazy = client.handoff_policy == Policy.LAZY or request.headers.get("Sec-GPC") == "1"
    return lazy and need.can_wait and peer_behind(request, client) is None


def gave_up(request: HttpRequest, client: Member) -> bool:
    """Whether a hand-off failed here a moment ago, by cookie, or by the page's own address where cookies are off."""
    addresses = (request.META.get("QUERY_STRING", ""), request.headers.get("HX-Current-URL", ""))
    return verifier.has_given_up(request, client) or any(paths.GAVE_UP in address for address in addresses)


def begin(request: HttpRequest, client: Member, need: Need) -> HttpResponse | None:
    """The redirect to who may know this visitor; None where this client has begun too many."""
    if not rate_limit.within_pace(request, "begin"):
        audit.note(request, Skipped.PACE)
        return None
    breaker_of(need.authority).begun()
    audit.note(request, Outcome.BEGUN, f"{need.why.value} {need.authority} is asked.")
    return redirect_to(need.authority, request, client, need.path, attempt=0)


def redirect_to(authority: str, request: HttpRequest, client: Member, path: str, *, attempt: int) -> HttpResponse:
    kept = (verifier.read(request, client) or verifier.fresh()).more()
    state = State(path, attempt, kept.challenge[:PREFIX_LENGTH], authority)
    question = {"m": client.host, "ch": kept.challenge, "st": state.seal(client)}
    if client.former_master and kept.starts > 1:
        question[paths.FORMER_KNOWS_NOBODY] = "0"  # it was asked a moment ago
    response = unseen(HttpResponseRedirect(absolute_url(authority, f"{paths.AUTHORIZE}?{urlencode(question)}")))
    verifier.keep(response, client, kept)
    return response


def unseen[Response: HttpResponse](response: Response) -> Response:
    """Kept by no cache, told to nobody by a Referer, in no search engine."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Vary"] = "Host, Cookie, Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Purpose, Sec-GPC, HX-Request"
    return response
