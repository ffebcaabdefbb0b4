"""A page for developers, ``/.mall/debug`` on any host with DEBUG: this browser's hand-offs, and their reasons."""

from __future__ import annotations

import copy
import datetime
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render

from sessions_farm.communities.handoff import audit, verifier
from sessions_farm.communities.handoff.circuit_breakers import breakers, is_silent
from sessions_farm.communities.handoff.endpoints import served_member
from sessions_farm.communities.handoff.initiate import blocked_reason, can_defer
from sessions_farm.communities.handoff.navigation import RequestKind, kind_of_request
from sessions_farm.communities.handoff.responses import confidential
from sessions_farm.communities.handoff.triggers import trigger_of
from sessions_farm.communities.registry import Member, registry
from sessions_farm.web import cookies

if TYPE_CHECKING:
    from sessions_farm.communities.context import Mall, MallRequest

SHOWN_LENGTH = 8  # characters of a key's hash: enough to see whether two hosts know the same id


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of the page: an entry of the audit trail with its time."""

    at: datetime.datetime
    entry: audit.AuditEntry


def debug_page(request: MallRequest) -> HttpResponse:
    """Show this browser's hand-offs. Raise Http404 without DEBUG: the page shows how the defences see a browser."""
    if not settings.DEBUG:
        raise Http404
    mall, member = request.mall, served_member(request)
    context = {
        "member": member,
        "verdict": _verdict(request, mall, member),
        "sections": [
            ("This browser here", _browser_facts(request, mall, member)),
            ("The community", _community_facts(member)),
        ],
        "rows": [AuditRow(_utc(entry.at), entry) for entry in reversed(audit.entries_of(request))],
    }
    return confidential(render(request, "sessions_farm/debug.html", context))


def _verdict(request: MallRequest, mall: Mall, member: Member) -> str:
    """Say in one sentence whether the host's front page would begin a hand-off, if this browser asked for it now."""
    request = copy.copy(request)
    request.path = request.path_info = "/"
    if kind_of_request(request) is RequestKind.OTHER:
        return "No hand-off: this request is not a person's top-level GET, as far as its headers tell."
    if reason := blocked_reason(request, member):
        return f"No hand-off: {reason.value}"
    trigger = trigger_of(request, mall, member)
    if trigger is None:
        return "No hand-off: this host knows who this is." if mall.id else "No hand-off: the master makes an id itself."
    if can_defer(request, member, trigger):
        return f"No hand-off: {audit.SkipReason.DEFERRED.value}"
    return f"A hand-off: {trigger.cause.value} {trigger.authority} would be asked."


def _browser_facts(request: MallRequest, mall: Mall, member: Member) -> list[tuple[str, Any]]:
    """Return names and values for a browser on this host. No secret is among them: neither the id nor the verifier."""
    kept = verifier.verifier_in(request, member)
    proof = mall.session.proof if mall.session is not None else None
    name = cookies.name_for(member)
    return [
        ("Host", f"{member.host} ({mall.role})"),
        ("Cookie", f"{name}: {'proven' if proof else 'refused' if name in request.COOKIES else 'none'}"),
        ("Issued", _utc(proof.issued_at) if proof else "–"),
        ("Id", _shown_id(mall)),
        ("Visitor", mall.visitor or "none: nothing was ever kept"),
        ("Signed in", "yes" if mall.signed_in else "no"),
        ("Hand-offs begun here", f"{kept.starts} in the last {verifier.LIFETIME} seconds" if kept else "none lately"),
        ("Gave up here", "yes, for some minutes" if verifier.gave_up_before(request, member) else "no"),
        ("Asks not to be followed", "yes (Sec-GPC)" if request.headers.get("Sec-GPC") == "1" else "no"),
    ]


def _shown_id(mall: Mall) -> str:
    if mall.id is None:
        return "none"
    return f"{mall.key_hash[:SHOWN_LENGTH]}…, " + ("made on this host alone" if mall.is_local else "the community’s")


def _community_facts(member: Member) -> list[tuple[str, Any]]:
    """Return names and values for a member's community."""
    health = "answers, as far as this node knows"
    if is_silent(member.master_host):
        health = f"rests ({breakers[member.master_host].failed_probes} probes without an answer)"
    return [
        ("Community", f"{member.name} ({member.community})"),
        ("Master", f"{member.master_host}, {health}" if member.master_host else "none"),
        ("Former master", member.former_master or "none"),
        ("Policy", member.handoff_policy),
        ("Paused until", _utc(member.paused_until) if member.paused_until > time.time() else "not paused"),
        ("Stores may vouch", "yes" if member.peer_authority else "no"),
        ("Checkout heals", "yes" if member.checkout_healing else "no"),
        ("Asked anew after", f"{member.resync_after // 3600} hours" if member.resync_after else "never"),
        ("Hosts", ", ".join(registry.hosts_of(member.community_id))),
        ("Registry's version", registry.current().version),
    ]


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
