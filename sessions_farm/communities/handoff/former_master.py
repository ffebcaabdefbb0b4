"""The former master in a hand-off: for a while after a change of masters it vouches for the visitors that it knew.

::

    master's page ── host_to_ask ──► former master ─────────────► master, which keeps the id (keeps_id)
    store's page ──► master ── forwarded_to ──► former master ──► store
                       ▲                            │
                       └──── no id: marked ─────────┘  and the master makes one

It is one of the ``authorities_of`` each member: it answers a question that was for the master, and is believed as the
issuer of a code. The mark ``former`` on a question lets it be asked once only, and not again a moment later
(``mark_of_start``); a marked question has been on its way for so long that the master waits for no other tab's cookie.
Each way is longer by it, so a browser may begin one hand-off fewer (``starts_spared``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_farm.communities.handoff.circuit_breakers import is_silent
from sessions_farm.communities.handoff.health_probe import probe
from sessions_farm.communities.registry import registry

if TYPE_CHECKING:
    from django.http import HttpRequest

    from sessions_farm.communities.registry import Member

ASKED = "former"  # the parameter of a question that it has been asked already


def authorities_of(member: Member) -> frozenset[str]:
    """Return the hosts whose word about visitors holds on a member whatever host was asked: master, former master."""
    return frozenset(host for host in (member.master_host, member.former_master) if host)


def host_to_ask(member: Member) -> str:
    """Return the former master, watched by the probe; '' for none, one that serves no pages now, or a silent one."""
    host = member.former_master
    served = registry.resolve(host) if host else None
    if served is None or served.community_id != member.community_id or served.canonical_host:
        return ""
    probe.watch(host)
    return "" if is_silent(host) else host


def forwarded_to(request: HttpRequest, master: Member, client: Member) -> str:
    """Return the former master for a question that the master cannot answer; '' where it has been asked, or asks."""
    return "" if was_asked(request) or client.host == master.former_master else host_to_ask(master)


def was_asked(request: HttpRequest) -> bool:
    """Return whether a question came by the former master, or has no need to go there."""
    return ASKED in request.GET


def marked(question: str, here: Member) -> str:
    """Return a question to forward, marked where the former master gives it back."""
    return f"{question}&{ASKED}=0" if here.host == here.former_master else question


def mark_of_start(client: Member, starts: int) -> dict[str, str]:
    """Return the mark of a question for a browser that asked the former master with an earlier one, a moment ago."""
    return {ASKED: "0"} if client.former_master and starts > 1 else {}


def starts_spared(client: Member) -> int:
    """Return how many hand-offs fewer a browser may begin."""
    return 1 if client.former_master else 0


def keeps_id(client: Member, issuer: str) -> bool:
    """Return whether an answer's id becomes the client's own: a store's any; the master's only its predecessor's."""
    return not client.is_master or issuer == client.former_master
