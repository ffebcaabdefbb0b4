"""Triggers of a hand-off: the causes for which a page must ask another host for the visitor's id, and which host."""

from __future__ import annotations

import enum
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest

from sessions_farm.communities.context import Mall
from sessions_farm.communities.handoff import fingerprint, former_master
from sessions_farm.communities.links import origin
from sessions_farm.communities.registry import Member, registry


class Cause(enum.Enum):
    """The causes of a hand-off."""

    NO_ID = "This host knows no id of this browser."
    LOCAL_ID = "The id was made on this host: what it leads to must join the community's."
    RESYNC = "This host has not asked the master for a while."
    FINGERPRINT = "The link came with the mark of another id than the master's."
    PEER = "The master knows no id of this browser, but the page that led here may."
    FORMER_MASTER = "The master knows no id of this browser, but the former master may."


@dataclass(frozen=True, slots=True)
class Trigger:
    """A hand-off that a page needs: its cause, the host to ask, and the path to return to, with its query."""

    cause: Cause
    authority: str
    path: str

    @property
    def is_deferrable(self) -> bool:
        """Whether a page under the lazy policy can be served without."""
        return self.cause in {Cause.NO_ID, Cause.RESYNC}


def trigger_of(request: HttpRequest, mall: Mall, member: Member) -> Trigger | None:
    """Return the hand-off that a page needs; None where this host knows the id, or is the master and may make one."""
    if member.is_master:
        return _trigger_on_master(request, mall, member)
    if mall.id is None or mall.is_local:
        cause = Cause.NO_ID if mall.id is None else Cause.LOCAL_ID
        return Trigger(cause, referring_peer(request, member) or member.master_host, request.get_full_path())
    if _is_resync_due(mall, member):
        return Trigger(Cause.RESYNC, member.master_host, request.get_full_path())
    return None


def _trigger_on_master(request: HttpRequest, mall: Mall, member: Member) -> Trigger | None:
    if mark := _foreign_fingerprint(request, mall, member):
        path = fingerprint.without_fingerprint(request.get_full_path())
        return Trigger(Cause.FINGERPRINT, mark.host, path)
    if not has_no_id(mall):
        return None
    if host := former_master.host_to_ask(member):
        return Trigger(Cause.FORMER_MASTER, host, request.get_full_path())
    peer = referring_peer(request, member)
    return Trigger(Cause.PEER, peer, request.get_full_path()) if peer else None


def has_no_id(mall: Mall) -> bool:
    """Return whether the browser has no id. In the grace of a rotation it has the new one; only this page does not."""
    return mall.id is None and not mall.in_grace


def _is_resync_due(mall: Mall, member: Member) -> bool:
    """Return whether the master confirmed the id too long ago, by the cookie's own issue time.

    Never for a visitor who is signed in here: a master that lost its cookie would sign them out.
    """
    proof = mall.session.proof if mall.session is not None else None
    if not member.resync_after or proof is None or mall.signed_in:
        return False
    return time.time() - proof.issued_at > member.resync_after


def _foreign_fingerprint(request: HttpRequest, mall: Mall, member: Member) -> fingerprint.Fingerprint | None:
    """Return the fingerprint in the address if it is of another id than here, from a store of this community."""
    mark = fingerprint.fingerprint_in(request)
    if mark is None or not member.checkout_healing or mall.in_grace:
        return None
    peer = registry.resolve(mark.host)
    if peer is None or peer.canonical_host or peer.community_id != member.community_id or peer.is_master:
        return None
    known = mall.id
    return None if known is not None and fingerprint.mac_of_id(member, known) == mark.mac else mark


def referring_peer(request: HttpRequest, here: Member) -> str | None:
    """Return the member whose page led here, by the Referer's origin; None where it may not vouch.

    Its site began the navigation, so bounce tracking mitigations don't count it as a tracker in between, and it may
    know the visitor still where the master's cookie was purged (W3C nav-tracking-mitigations).
    """
    try:
        url = urlsplit(request.headers.get("Referer", ""))
        host = (url.hostname or "").lower()
    except ValueError:
        return None
    peer = registry.resolve(host) if host else None
    if peer is None or f"{url.scheme}://{url.netloc}".lower() != origin(host) or not may_vouch(peer, here):
        return None
    return host


def may_vouch(peer: Member, here: Member) -> bool:
    """Return whether a member may say who a visitor of another one is."""
    if peer.canonical_host or peer.community_id != here.community_id or peer.host == here.host:
        return False
    return here.peer_authority or peer.is_master
