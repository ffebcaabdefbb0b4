"""The audit trail of hand-offs: counters for Prometheus and, with DEBUG, last entries of each browser (debug.py)."""

from __future__ import annotations

import enum
import time
from dataclasses import astuple, dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities import metrics
from sessions_farm.web import clients

MAX_ENTRIES = 60  # of one browser
LIFETIME = 15 * 60  # seconds


class Outcome(enum.Enum):
    """The steps of a hand-off."""

    STARTED = "A hand-off began."
    CODE_ISSUED = "This host told who the visitor is, by a code."
    FORWARDED = "This host knows nobody and passed the question on."
    RETRIED_AT_MASTER = (
        "One like this got an id a moment ago: the browser comes here again, for it may have it by then."
    )
    WAITED = "One like this got an id for another host a moment ago: the page comes again, for it may have it by then."
    UNKNOWN_VISITOR = "This host told the master that it knows nobody."
    FINISHED = "The answer was taken: the id is this host's too."
    MERGED = "The answer was taken: what the visitor had there is joined to the id that the master has."
    RETRIED = "The answer could not be taken; the question is asked once more."
    GAVE_UP = "The answer could not be taken again: the page comes without an id, for some minutes."
    COOKIES_OFF = "The browser kept no cookie: the page comes without an id."
    STATE_EXPIRED = "The question was too old: the page begins anew."
    PREFETCH_REFUSED = "A page asked for in advance would need a hand-off: not given."
    HTMX_REFRESHED = "htmx is told to load the page as a whole, so that a hand-off can begin."
    TICKET_ISSUED = "A button on this host led to the master, with a ticket for what the visitor has here."
    TICKET_REDEEMED = "The master took a ticket: what the visitor has on the other host can be copied."
    MEMBER_CODE_ISSUED = "An external member got a code for the visitor."
    MEMBER_CODE_REDEEMED = "An external member redeemed its code."


class SkipReason(enum.Enum):
    """The reasons for which a page without an id begins no hand-off."""

    POLICY_OFF = "The community's policy is off."
    DEFERRED = "The policy is lazy (the community's, or by Global Privacy Control), and nothing here needs the id yet."
    NO_MASTER = "The community has no served master."
    PAUSED = "Hand-offs of this community are paused."
    AUTHORITY_DOWN = "The host that would be asked does not answer."
    GAVE_UP = "A hand-off failed in this browser a moment ago, or it keeps no cookies."
    TOO_MANY_STARTS = "This browser has begun too many in a row."
    RATE_LIMITED = "This network has begun too many in a minute."
    UNSAFE_PATH = "The page's address cannot be carried along."
    COOKIELESS = "The id stands in the address (cookieless)."


class RefusalReason(enum.Enum):
    """The reasons for which an endpoint does nothing."""

    METHOD = "Only GET leads here."
    NOT_TOP_LEVEL = "Only a page's own address leads here."
    UNKNOWN_CLIENT = "Who asks is no other member of this community."
    INVALID_CHALLENGE = "There is no challenge in this question."
    INVALID_STATE = "This state was not made here, or not for this host."
    STATE_MISMATCH = "This state belongs to another question."
    RATE_LIMITED = "This network has asked too often in a minute."
    IN_GRACE = "The visitor signed in or out while this request was under way."
    STATE_EXPIRED = "The answer came too late."
    VERIFIER_MISMATCH = "The answer was for a question of another browser, or of an earlier one."
    ISSUER_MISMATCH = "The answer is from somebody who was not asked."
    UNKNOWN_CODE = "The code is unknown: used before, too old, or never made."
    UNKNOWN_TICKET = "The ticket is unknown: used before, older than a minute, or never issued."
    GRANT_MISMATCH = "The code is for another community, host, browser or issuer."
    STORE_UNAVAILABLE = "The store that keeps codes does not answer."
    INVALID_QUESTION = "An external member asked amiss."
    INVALID_CLIENT = "An external member did not prove who it is."
    INVALID_GRANT = "An external member redeemed amiss."
    INVALID_TOKEN = "An access token proves nothing, or no longer."  # noqa: S105 -- a reason
    PAUSED = "Hand-offs of this community are paused."
    PRIVACY_CONTROL = "The browser asks that nothing is shared (Global Privacy Control)."


type Event = Outcome | SkipReason | RefusalReason

COUNTERS = {
    Outcome: metrics.HANDOFFS,
    SkipReason: metrics.HANDOFFS_SKIPPED,
    RefusalReason: metrics.HANDOFF_REFUSALS,
}


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An event in a browser."""

    at: float  # Unix seconds
    host: str
    path: str
    kind: str
    text: str
    detail: str


def record(request: HttpRequest, event: Event, detail: str = "") -> None:
    """Count an event and, with DEBUG, keep it for a quarter of an hour among its browser's entries."""
    COUNTERS[type(event)].labels(event.name.lower()).inc()
    if settings.DEBUG:
        host = request.get_host()
        entry = AuditEntry(time.time(), host, request.path, type(event).__name__.lower(), event.value, detail)
        kept = [*entries_of(request), entry][-MAX_ENTRIES:]
        cache.set(_cache_key(request), [astuple(each) for each in kept], LIFETIME)


def entries_of(request: HttpRequest) -> list[AuditEntry]:
    """Return the entries of a request's browser on all hosts, the oldest first; none without DEBUG."""
    kept = cache.get(_cache_key(request)) if settings.DEBUG else None
    return [AuditEntry(*entry) for entry in kept or []]


def _cache_key(request: HttpRequest) -> str:
    return f"handoff-audit:{clients.client_key(request)}"
