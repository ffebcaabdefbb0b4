"""The start of a hand-off: the reasons that block or defer it, and the redirect to the authorization endpoint."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from sessions_farm.communities.handoff import audit, cookies_off, former_master, paths, rate_limit, verifier
from sessions_farm.communities.handoff.audit import Outcome, SkipReason
from sessions_farm.communities.handoff.circuit_breakers import is_silent
from sessions_farm.communities.handoff.health_probe import probe
from sessions_farm.communities.handoff.responses import confidential
from sessions_farm.communities.handoff.state import CHALLENGE_PREFIX, HandoffState
from sessions_farm.communities.handoff.triggers import Trigger, referring_peer
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Community
from sessions_farm.communities.registry import Member, registry

Policy = Community.Policy


def blocked_reason(request: HttpRequest, client: Member) -> SkipReason | None:
    """Return the reason against any hand-off of a request, for every visitor alike; loads no session."""
    if client.handoff_policy == Policy.OFF:
        return SkipReason.POLICY_OFF
    if client.community_id not in registry.current().masters:  # none was named, or it is not served
        return SkipReason.NO_MASTER
    if hasattr(request, "carried"):  # a hand-off goes by cookies
        return SkipReason.COOKIELESS
    if not paths.is_safe_path(request.get_full_path()):
        return SkipReason.UNSAFE_PATH
    return _reason_of_community(client) or _reason_of_browser(request, client)


def _reason_of_community(client: Member) -> SkipReason | None:
    if client.is_paused:
        return SkipReason.PAUSED
    if not client.is_master:
        probe.watch(client.master_host)
        if is_silent(client.master_host):
            return SkipReason.AUTHORITY_DOWN
    return None


def _reason_of_browser(request: HttpRequest, client: Member) -> SkipReason | None:
    if has_given_up(request, client):
        return SkipReason.GAVE_UP
    kept = verifier.verifier_in(request, client)
    return SkipReason.TOO_MANY_STARTS if kept is not None and kept.is_exhausted(client) else None


def can_defer(request: HttpRequest, client: Member, trigger: Trigger) -> bool:
    """Return whether a lazy policy defers a hand-off: the visitor has nothing here to merge and comes from no member.

    A browser that asks not to be followed (Global Privacy Control, Sec-GPC: 1) makes any policy lazy.
    """
    is_lazy = client.handoff_policy == Policy.LAZY or request.headers.get("Sec-GPC") == "1"
    return is_lazy and trigger.is_deferrable and referring_peer(request, client) is None


def has_given_up(request: HttpRequest, client: Member) -> bool:
    """Return whether a hand-off failed here a while ago, by cookie, or by an address where cookies are off."""
    return (
        verifier.gave_up_before(request, client)
        or cookies_off.has_marked_address(request)
        or cookies_off.keeps_no_cookies(request, client)
    )


def start_handoff(request: HttpRequest, client: Member, trigger: Trigger) -> HttpResponse | None:
    """Return the redirect to the authority that may know the visitor; None above the network's rate limit.

    The way to the till has none: there it is the master that asks.
    """
    if not client.is_master and not rate_limit.allow(request, rate_limit.starts):
        audit.record(request, SkipReason.RATE_LIMITED)
        return None
    audit.record(request, Outcome.STARTED, f"{trigger.cause.value} {trigger.authority} is asked.")
    return redirect_to_authority(trigger.authority, request, client, trigger.path, attempt=0)


def redirect_to_authority(
    authority: str, request: HttpRequest, client: Member, path: str, *, attempt: int
) -> HttpResponse:
    """Return the redirect to an authorization endpoint, with the state to return by; it sets the verifier's cookie."""
    kept = (verifier.verifier_in(request, client) or verifier.new_verifier()).count()
    state = HandoffState(path, attempt, kept.challenge[:CHALLENGE_PREFIX], authority)
    question = {"m": client.host, "ch": kept.challenge, "st": state.seal(client)}
    question |= former_master.mark_of_start(client, kept.starts)
    response = confidential(HttpResponseRedirect(absolute_url(authority, f"{paths.AUTHORIZE}?{urlencode(question)}")))
    verifier.set_verifier(response, client, kept)
    return response
