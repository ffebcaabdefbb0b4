"""A page for developers, ``/.mall/debug`` on any host with DEBUG: what the hand-off did in this browser, and why."""

from __future__ import annotations

import copy
import datetime
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sessions_farm.communities.context import Mall
from sessions_farm.communities.handoff import audit, verifier
from sessions_farm.communities.handoff.breaker import breaker_of
from sessions_farm.communities.handoff.initiate import hindrance, is_premature, unseen
from sessions_farm.communities.handoff.navigation import Kind, kind_of
from sessions_farm.communities.handoff.triggers import need_of
from sessions_farm.communities.registry import Member, registry
from sessions_farm.web import cookies

MARK_LENGTH = 8  # characters of a handle: enough to see whether two hosts know the same id


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime.datetime
    note: audit.Note


def show(request: HttpRequest) -> HttpResponse:
    """Raise Http404 without DEBUG: it tells how the defences see this browser."""
    mall: Mall = request.mall  # type: ignore[attr-defined]  # HostGate's
    member = mall.member
    if not settings.DEBUG or member is None:
        raise Http404
    notes = [Entry(as_time(note.at), note) for note in reversed(audit.notes_of(request))]
    context = {
        "member": member,
        "verdict": verdict(request, mall, member),
        "sections": [
            ("This browser here", facts_of(request, mall, member)),
            ("The community", facts_of_community(member)),
        ],
        "notes": notes,
    }
    return unseen(render(request, "sessions_farm/debug.html", context))


def verdict(request: HttpRequest, mall: Mall, member: Member) -> str:
    """What would happen to the host's front page, asked for now by this browser; in one sentence."""
    request = copy.copy(request)
    request.path = request.path_info = "/"
    if kind_of(request) is Kind.OTHER:
        return "No hand-off: this request is not a person's top-level GET, as far as its headers tell."
    if hindered := hindrance(request, member):
        return f"No hand-off: {hindered.value}"
    need = need_of(request, mall, member)
    if need is None:
        return "No hand-off: this host knows who this is." if mall.id else "No hand-off: the master makes an id itself."
    if is_premature(request, member, need):
        return f"No hand-off: {audit.Skipped.NO_NEED.value}"
    return f"A hand-off: {need.why.value} {need.authority} would be asked."


def facts_of(request: HttpRequest, mall: Mall, member: Member) -> list[tuple[str, Any]]:
    """What this host knows of this browser. No secret among it: neither the id nor the verifier."""
    kept = verifier.read(request, member)
    proof = mall.session.proof if mall.session is not None else None
    name = cookies.name_for(member)
    return [
        ("Host", f"{member.host} ({mall.role})"),
        ("Cookie", f"{name}: {'proven' if proof else 'refused' if name in request.COOKIES else 'none'}"),
        ("Issued", as_time(proof.issued_at) if proof else "–"),
        ("Id", mark_of(mall)),
        ("Visitor", mall.visitor or "none: nothing was ever kept"),
        ("Signed in", "yes" if mall.signed_in else "no"),
        ("Hand-offs begun here", f"{kept.starts} in the last {verifier.LIFETIME} seconds" if kept else "none lately"),
        ("Gave up here", "yes, for some minutes" if verifier.has_given_up(request, member) else "no"),
        ("Asks not to be followed", "yes (Sec-GPC)" if request.headers.get("Sec-GPC") == "1" else "no"),
    ]


def mark_of(mall: Mall) -> str:
    if mall.id is None:
        return "none"
    return f"{mall.key_hash[:MARK_LENGTH]}…, " + ("made on this host alone" if mall.is_local else "the community’s")


def facts_of_community(member: Member) -> list[tuple[str, Any]]:
    breaker = breaker_of(member.master_host)
    answers = "answers" if breaker.lets_through() else f"rests ({breaker.silences} probes without an answer)"
    return [
        ("Community", f"{member.name} ({member.community})"),
        ("Master", f"{member.master_host}, {answers}" if member.master_host else "none"),
        ("Former master", member.former_master or "none"),
        ("Policy", member.handoff_policy),
        ("Paused until", as_time(member.paused_until) if member.paused_until > time.time() else "not paused"),
        ("Stores may vouch", "yes" if member.peer_authority else "no"),
        ("Checkout heals", "yes" if member.checkout_healing else "no"),
        ("Asked anew after", f"{member.resync_after // 3600} hours" if member.resync_after else "never"),
        ("Hosts", ", ".join(registry.hosts_of(member.community_id))),
        ("Registry's version", registry.current().version),
    ]


def as_time(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
