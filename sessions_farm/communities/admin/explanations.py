"""The state of a domain as text, for the admin."""

from __future__ import annotations

import datetime

from django.utils.timesince import timesince

from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.verification import MAX_FAILURES, PENDING_PERIOD, Verification, verification_record

MOMENT = datetime.timedelta(minutes=1)


def time_ago(moment: datetime.datetime, now: datetime.datetime) -> str:
    """Return how long ago a time was, in its largest unit."""
    return "a moment ago" if now - moment < MOMENT else f"{timesince(moment, now, depth=1)} ago"


def is_verified(domain: Domain) -> bool:
    """Return whether a domain may be served without an operator's responsibility."""
    return domain.verified_at is not None and not domain.failures


def is_given_up(domain: Domain, now: datetime.datetime) -> bool:
    """Return whether a pending domain has waited so long that only a button looks its record up."""
    return domain.status == Domain.Status.PENDING and domain.pending_since < now - PENDING_PERIOD


def last_check(domain: Domain, now: datetime.datetime) -> str:
    """Return the time and the result of the last verification, as a sentence."""
    if domain.fault.startswith(Verification.UNKNOWN.value):
        return f"The last check had no answer: {fault_text(domain)}"
    if domain.checked_at is None:
        return "Not checked yet."
    found = "the record is there." if is_verified(domain) else fault_text(domain) or "the record is not there."
    return f"Checked {time_ago(domain.checked_at, now)}: {found}"


def fault_text(domain: Domain) -> str:
    """Return the fault of a domain without the record itself, which is shown beside it."""
    name, text = verification_record(domain)
    return domain.fault.replace(f" at {name}", "").replace(f": {text}", "")


def state_text(domain: Domain, now: datetime.datetime) -> str:
    """Return an entry of a list: the status, its explanation, and the role of the domain."""
    sentences = [f"{domain.get_status_display()}: {status_hint(domain, now)}"]
    if domain.canonical:
        sentences.append(f"It leads to {domain.canonical}.")
    if domain.community.master_id == domain.pk:
        sentences.append("It is the master.")
    if is_idle(domain):
        sentences.append("No page uses it yet, and its visitors are told so.")
    return " ".join(sentences)


def is_idle(domain: Domain) -> bool:
    """Return whether a host is served, and nothing is set up there."""
    return domain.kind == Domain.Kind.EXACT and registry.current().is_idle(domain.host)


def labels_in_use(domain: Domain) -> list[str] | None:
    """Return the used hosts below a wildcard, sorted; None for another kind, or where they are not known."""
    in_use = registry.current().in_use
    if domain.kind != Domain.Kind.WILDCARD or in_use is None:
        return None
    return sorted(host for host in in_use if host.partition(".")[2] == domain.host)


def status_hint(domain: Domain, now: datetime.datetime) -> str:
    """Return the explanation of a domain's status, beginning in lower case."""
    checked = last_check(domain, now)
    match domain.status:
        case Domain.Status.SUSPENDED:
            return fault_text(domain) or "its history says why."
        case Domain.Status.ACTIVE if domain.verified_at is None:
            return "unverified, by an operator’s decision."
        case Domain.Status.PENDING if is_given_up(domain, now):
            return f"no more looked up by itself. {checked}"
        case Domain.Status.ACTIVE | Domain.Status.VERIFIED if domain.failures:
            return f"{domain.failures} of {MAX_FAILURES} checks failed. {checked}"
    return f"{checked[0].lower()}{checked[1:]}"
