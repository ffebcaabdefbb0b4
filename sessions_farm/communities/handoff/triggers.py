"""Whether a page needs to ask another host who the visitor is, whom, and why."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest

from sessions_farm.communities.context import Mall
from sessions_farm.communities.handoff import fingerprint
from sessions_farm.communities.handoff.breaker import breaker_of
from sessions_farm.communities.handoff.health_probe import probe
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import Member, registry


class Why(enum.Enum):
    NO_ID = "This host knows no id of this browser."
    LOCAL_ID = "The id was made on this host: what it leads to must join the community's."
    RESYNC = "This host has not asked the master for a while."
    FINGERPRINT = "The link came with the mark of another id than the master's."
    PEER = "The master knows no id of this browser, but the page that led here may."
    FORMER_MASTER = "The master knows no id of this browser, but the former master may."


@dataclass(frozen=True, slots=True)
class Need:
    why: Why
    authority: str
    path: str  # where to return, with its query

    @property
    def can_wait(self) -> bool:
        """Whether the lazy policy does without."""
        return self.why in {Why.NO_ID, Why.RESYNC}


def need_of(request: HttpRequest, mall: Mall, member: Member) -> Need | None:
    """None where this host knows who the visitor is, or is the master and may make an id itself."""
    if member.is_master:
        return need_of_master(request, mall, member)
    if mall.id is None or mall.is_local:
        why = Why.NO_ID if mall.id is None else Why.LOCAL_ID
        return Need(why, peer_behind(request, member) or member.master_host, request.get_full_path())
    if is_due(mall, member):
        return Need(Why.RESYNC, member.master_host, request.get_full_path())
    return None


def need_of_master(request: HttpRequest, mall: Mall, member: Member) -> Need | None:
    if mark := mark_of_another(request, mall, member):
        return Need(Why.FINGERPRINT, mark.host, fingerprint.without(request.get_full_path()))
    if not is_unknown(mall):
        return None
    if can_be_asked(member.former_master):
        return Need(Why.FORMER_MASTER, member.former_master, request.get_full_path())
    peer = peer_behind(request, member)
    return Need(Why.PEER, peer, request.get_full_path()) if peer else None


def can_be_asked(former_master: str) -> bool:
    if former_master:
        probe.watch(former_master)
    return bool(former_master) and breaker_of(former_master).lets_through()


def is_unknown(mall: Mall) -> bool:
    """No id at all. In the grace of a rotation the browser has the new one already, only this page does not."""
    return mall.id is None and not mall.in_grace


def is_due(mall: Mall, member: Member) -> bool:
    """Whether the id was confirmed by the master too long ago (the cookie's own issue time tells).

    Not of somebody who is signed in here: a master that lost its cookie would sign them out.
    """
    proof = mall.session.proof if mall.session is not None else None
    if not member.resync_after or proof is None or mall.signed_in:
        return False
    return time.time() - proof.issued_at > member.resync_after


def mark_of_another(request: HttpRequest, mall: Mall, member: Member) -> fingerprint.Mark | None:
    """The mark in the address, where it is of another id than the one here and a store of this community can tell."""
    mark = fingerprint.read(request)
    if mark is None or not member.checkout_healing or mall.in_grace:
        return None
    peer = registry.resolve(mark.host)
    if peer is None or peer.canonical_host or peer.community_id != member.community_id or peer.is_master:
        return None
    known = mall.id
    return None if known is not None and fingerprint.of(member, known) == mark.fingerprint else mark


def peer_behind(request: HttpRequest, here: Member) -> str | None:
    """The member whose page led here, by the Referer's origin; None where it may not vouch, or does not answer.

    Its site began the navigation, so bounce tracking mitigations don't count it as a tracker in between, and it may
    know the visitor still where the master's cookie was purged (W3C nav-tracking-mitigations).
    """
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
    return host if breaker_of(host).lets_through() else None
