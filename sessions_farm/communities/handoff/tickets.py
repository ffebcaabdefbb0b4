"""Tickets: the way from a store to the master carries, once, the name of the visitor who pressed the button.

A hand-off is for browsers that are recognised, and may be skipped; a ticket is for every browser, also for one without
cookies. It proves that its bearer pressed a button on a store's page within the last minute, and nothing else: the
master may copy that visitor's things, and never takes over the visitor, the session or the id.

- It is issued when a form is posted, never drawn into a page, and is good for one redemption within LIFETIME.
- The store of codes has its digest only, as of a hand-off's codes; logs and the Referer do not have it.
- Its address has the fingerprint of the store's id: where the ids differ and the browser can be led, a hand-off comes
  first and makes one visitor of the two; the ticket then finds nothing left to bring.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import UUID

from sessions_farm.communities.handoff import audit, fingerprint
from sessions_farm.communities.handoff.audit import Outcome, RefusalReason
from sessions_farm.communities.handoff.codes import LIFETIME, digest_of_code
from sessions_farm.communities.handoff.errors import HandoffRefusedError
from sessions_farm.communities.links import absolute_url
from sessions_farm.stores import current_store
from sessions_farm.stores.effects.effects import run_sync

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest

PARAMETER = "ticket"
SEPARATOR = " "


@dataclass(frozen=True, slots=True)
class Ticket:
    """The visitor ``visitor_id`` of a community pressed a button on ``host``."""

    community: str
    host: str
    visitor_id: UUID


def url_with_ticket(request: MallRequest, path: str, **parameters: str) -> str:
    """Return the URL of a page of the master, with a new ticket for the request's visitor; a path on the master itself.

    Without one where there is no visitor, who then has nothing to bring. Raise StoreUnavailableError.
    """
    mall = request.mall
    if mall.member is None or mall.is_master:
        return f"{path}?{urlencode(parameters)}" if parameters else path
    if mall.visitor is not None:
        parameters[PARAMETER] = issue(Ticket(mall.member.community, mall.member.host, mall.visitor.pk))
        audit.record(request, Outcome.TICKET_ISSUED)
    query = f"?{urlencode(parameters)}" if parameters else ""
    return fingerprint.with_fingerprint(absolute_url(mall.member.master_host, path + query), mall)


def issue(ticket: Ticket) -> str:
    """Keep a ticket for LIFETIME; return its code of 256 bits. Raise StoreUnavailableError."""
    code = secrets.token_urlsafe(32)
    payload = SEPARATOR.join((ticket.community, ticket.host, str(ticket.visitor_id)))
    run_sync(current_store().put_code(_digest(code), payload, LIFETIME))
    return code


def redeem(request: MallRequest) -> Ticket | None:
    """Take the ticket in a request's address out of the store; None where the address has none.

    Raise HandoffRefusedError for one that is unknown, used or too old, or of another community; StoreUnavailableError.
    """
    code = request.GET.get(PARAMETER, "")
    if not code:
        return None
    payload = run_sync(current_store().take_code(_digest(code)))
    member = request.mall.member
    if payload is not None and member is not None:
        community, host, visitor_id = payload.split(SEPARATOR)
        if community == member.community:
            audit.record(request, Outcome.TICKET_REDEEMED, f"{host} issued it.")
            return Ticket(community, host, UUID(visitor_id))
    audit.record(request, RefusalReason.UNKNOWN_TICKET)
    raise HandoffRefusedError(RefusalReason.UNKNOWN_TICKET)


def _digest(code: str) -> str:
    # a hand-off's code is no ticket, nor the other way about
    return digest_of_code(f"ticket:{code}")
