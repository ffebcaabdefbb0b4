"""The state of a domain in words, for the admin."""

from __future__ import annotations

import datetime

from django.utils.timesince import timesince

from sessions_farm.communities.models import Domain
from sessions_farm.communities.verification import MOST_MISSES, Finding, record_of

MOMENT = datetime.timedelta(minutes=1)


def ago(moment: datetime.datetime, now: datetime.datetime) -> str:
    return "a moment ago" if now - moment < MOMENT else f"{timesince(moment, now, depth=1)} ago"


def is_proven(domain: Domain) -> bool:
    """Whether it may be served without anybody's word."""
    return domain.verified_at is not None and not domain.misses


def look_at(domain: Domain, now: datetime.datetime) -> str:
    """When its proof was looked for last, and what was found."""
    if domain.fault.startswith(Finding.UNKNOWN.value):
        return f"The last look had no answer: {fault_at(domain)}"
    if domain.checked_at is None:
        return "Nobody has looked yet."
    found = "the proof is there." if is_proven(domain) else fault_at(domain) or "the proof is not there."
    return f"Looked {ago(domain.checked_at, now)}: {found}"


def fault_at(domain: Domain) -> str:
    """What is amiss, without the record itself, which is shown beside it."""
    name, text = record_of(domain)
    return domain.fault.replace(f" at {name}", "").replace(f": {text}", "")


def state_of(domain: Domain, now: datetime.datetime) -> str:
    """One entry of a list: the state, and what there is to know or to do."""
    words = [f"{domain.get_status_display()}: {hint_at(domain, now)}"]
    if domain.canonical:
        words.append(f"It leads to {domain.canonical}.")
    if domain.community.master_id == domain.pk:
        words.append("It is the master.")
    return " ".join(words)


def hint_at(domain: Domain, now: datetime.datetime) -> str:
    looked = look_at(domain, now)
    match domain.status:
        case Domain.Status.SUSPENDED:
            return fault_at(domain) or "its history says why."
        case Domain.Status.ACTIVE if domain.verified_at is None:
            return "on an operator’s word."
        case Domain.Status.ACTIVE | Domain.Status.VERIFIED if domain.misses:
            return f"{domain.misses} of {MOST_MISSES} looks missed its proof. {looked}"
    return f"{looked[0].lower()}{looked[1:]}"
