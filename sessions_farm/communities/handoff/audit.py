"""What hand-offs did and why: counted for Prometheus and, with DEBUG, kept for a while to be looked at (debug.py)."""

from __future__ import annotations

import enum
import time
from dataclasses import astuple, dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from sessions_farm.communities import metrics
from sessions_farm.communities.handoff import rate_limit

KEPT = 60  # notes of one browser
KEPT_FOR = 15 * 60  # seconds


class Outcome(enum.Enum):
    """How a hand-off went on."""

    BEGUN = "A hand-off began."
    ANSWERED = "This host told who the visitor is, by a code."
    PASSED_ON = "This host knows nobody and passed the question on."
    ONCE_MORE = "One like this got an id a moment ago: the browser comes here again, for it may have it by then."
    NOBODY = "This host told the master that it knows nobody."
    FINISHED = "The answer was taken: the id is this host's too."
    ABSORBED = "The answer was taken: what the visitor had there is joined to the id that the master has."
    ASKED_AGAIN = "The answer could not be taken; the question is asked once more."
    GAVE_UP = "The answer could not be taken again: the page comes without an id, for some minutes."
    COOKIES_OFF = "The browser kept no cookie: the page comes without an id."
    OUTDATED = "The question was too old: the page begins anew."
    NOT_IN_ADVANCE = "A page asked for in advance would need a hand-off: not given."
    RELOADED = "htmx is told to load the page as a whole, so that a hand-off can begin."
    TOLD_OUTSIDE = "A member outside the farm got a code for the visitor."
    REDEEMED = "A member outside the farm redeemed its code."


class Skipped(enum.Enum):
    """Why no hand-off began, though there is no id."""

    POLICY_OFF = "The community's policy is off."
    NO_NEED = "The policy is lazy (the community's, or by Global Privacy Control), and nothing here needs the id yet."
    NO_MASTER = "The community has no served master."
    PAUSED = "Hand-offs of this community are paused."
    AUTHORITY_DOWN = "The host that would be asked does not answer."
    GAVE_UP = "A hand-off failed in this browser a moment ago, or it keeps no cookies."
    TOO_OFTEN = "This browser has begun too many in a row."
    PACE = "This client has begun too many in a minute."
    ADDRESS = "The page's address cannot be carried along."
    CARRIED = "The id stands in the address (cookieless)."


class Refusal(enum.Enum):
    """Why an endpoint did nothing."""

    METHOD = "Only GET leads here."
    NOT_TOP_LEVEL = "Only a page's own address leads here."
    CLIENT = "Who asks is no other member of this community."
    CHALLENGE = "There is no challenge in this question."
    STATE = "This state was not made here, or not for this host."
    OTHER_QUESTION = "This state belongs to another question."
    PACE = "This client has asked too often in a minute."
    IN_GRACE = "The visitor signed in or out while this request was under way."
    STALE = "The answer came too late."
    OTHER_BROWSER = "The answer was for a question of another browser, or of an earlier one."
    ISSUER = "The answer is from somebody who was not asked."
    CODE = "The code is unknown: used before, too old, or never made."
    GRANT = "The code is for another community, host, browser or issuer."
    STORE = "The store that keeps codes does not answer."
    IMPOSTOR = "A member outside the farm did not prove who it is."
    REDEMPTION = "A member outside the farm redeemed amiss."
    ACCESS = "An access token proves nothing, or no longer."
    PRIVACY = "The browser asks that nothing is shared (Global Privacy Control)."


type What = Outcome | Skipped | Refusal

COUNTERS = {
    Outcome: metrics.HANDOFFS,
    Skipped: metrics.HANDOFFS_SKIPPED,
    Refusal: metrics.HANDOFF_REFUSALS,
}


@dataclass(frozen=True, slots=True)
class Note:
    at: float  # Unix seconds
    host: str
    path: str
    kind: str
    words: str
    detail: str


def note(request: HttpRequest, what: What, detail: str = "") -> None:
    COUNTERS[type(what)].labels(what.name.lower()).inc()
    if settings.DEBUG:
        host = request.get_host()
        entry = Note(time.time(), host, request.path, type(what).__name__.lower(), what.value, detail)
        kept = [*notes_of(request), entry][-KEPT:]
        cache.set(key_of(request), [astuple(each) for each in kept], KEPT_FOR)


def notes_of(request: HttpRequest) -> list[Note]:
    """What was noted of this browser on any host, the oldest first; nothing without DEBUG."""
    kept = cache.get(key_of(request)) if settings.DEBUG else None
    return [Note(*entry) for entry in kept or []]


def key_of(request: HttpRequest) -> str:
    return f"handoff-journal:{rate_limit.client_of(request)}"
