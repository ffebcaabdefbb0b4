"""Who a host belongs to: proven by a text in its DNS, looked at again each day, and taken away after three misses.

A TXT record at ``_mall-verify.<host>`` holds the domain's own token (the way of ACME's dns-01, RFC 8555, 8.4). Whoever
registers a lapsed domain anew cannot have it, so a name that changed hands stops being served (dangling DNS).
"""

from __future__ import annotations

import datetime
import enum
import logging
from typing import Any

from sessions_farm.communities.dns import Resolver, ResolverUnavailable, current_resolver
from sessions_farm.communities.models import Community, Domain
from sessions_farm.conf import DAY, options
from sessions_farm.session.locks import LockTimeoutError, LockTimeouts, acquire_effects
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync

logger = logging.getLogger(__name__)

LABEL = "_mall-verify"
PREFIX = "mall-verify="
MOST_MISSES = 3
AGAIN_AFTER = datetime.timedelta(seconds=DAY)
WAITING_AGAIN_AFTER = datetime.timedelta(minutes=5)  # for a domain whose owner is at it now
AT_A_TIME = 100
LEASE = "prove-domains"
PATIENCE = LockTimeouts(wait=0, lease=600)


class Finding(enum.Enum):
    PROVEN = "proven"
    MISSED = "not proven"
    UNKNOWN = "the DNS does not answer"


class NotProven(Exception):
    """A domain is to be served, but nobody has shown whose it is."""


class Needed(Exception):
    """A domain without which its community is none is not to be suspended."""


def record_of(domain: Domain) -> tuple[str, str]:
    """Name and text of the TXT record that proves the domain; a wildcard's stands at its base."""
    return f"{LABEL}.{domain.host}", f"{PREFIX}{domain.verify_token}"


def check_domain(*, domain: Domain, now: datetime.datetime, resolver: Resolver | None = None) -> Finding:
    """Look for the proof once, and write down what was found.

    A DNS that does not answer proves nothing either way and counts as no miss. The third miss in a row suspends a
    domain that was proven before; only an operator brings it back.
    """
    try:
        fault = fault_of(domain, resolver or current_resolver())
    except ResolverUnavailable as error:
        Domain.objects.filter(pk=domain.pk).note(fault=f"{Finding.UNKNOWN.value}: {error}"[:300])
        domain.refresh_from_db()
        return Finding.UNKNOWN
    domain.refresh_from_db()
    seen: dict[str, Any] = {"checked_at": now, "fault": fault[:300], "misses": domain.misses + 1 if fault else 0}
    if not fault:
        seen["verified_at"] = now
    status = status_after(domain, seen["misses"], proven=not fault)
    if status == domain.status:
        Domain.objects.filter(pk=domain.pk).note(**seen)
    else:
        Domain.objects.filter(pk=domain.pk, status=domain.status).update(status=status, **seen)
        logger.warning("%s is %s now. %s", domain, Domain.Status(status).label, fault or "Its proof was found.")
    domain.refresh_from_db()
    return Finding.MISSED if fault else Finding.PROVEN


def status_after(domain: Domain, misses: int, *, proven: bool) -> str:
    if proven:
        return Domain.Status.VERIFIED if domain.status == Domain.Status.PENDING else domain.status
    lapsed = domain.verified_at and misses >= MOST_MISSES and not is_master(domain)
    return Domain.Status.SUSPENDED if lapsed else domain.status


def is_master(domain: Domain) -> bool:
    """Whether its community stands and falls with it: what its DNS lacks is only said then, and it is served."""
    return Community.objects.filter(master=domain).exists()


def fault_of(domain: Domain, resolver: Resolver) -> str:
    """What is missing in the DNS; '' where it is all there. Raise ResolverUnavailable."""
    name, text = record_of(domain)
    found = resolver.txt(name)
    if text not in found:
        others = ", ".join(found)[:100]
        return f"The TXT record at {name} " + (f"says {others}, not {text}." if found else f"is not there: {text}.")
    ours = set(options().addresses)
    if not ours or domain.kind != Domain.Kind.EXACT:
        return ""
    leads_to = resolver.addresses(domain.host)
    if not leads_to:
        return f"{domain.host} has no address; let it lead to {', '.join(sorted(ours))}."
    strangers = leads_to - ours
    return f"{domain.host} leads to {', '.join(sorted(strangers))}, which is not ours." if strangers else ""


def check_due(now: datetime.datetime, resolver: Resolver | None = None) -> dict[Finding, int]:
    """Look at each domain whose proof is awaited (every five minutes) or a day old; one node at a time does so."""
    counts = dict.fromkeys(Finding, 0)
    try:
        lease = run_sync(acquire_effects(current_store(), LEASE, PATIENCE))
    except (LockTimeoutError, StoreUnavailableError) as error:
        logger.info("Domains are not looked at now: %s", error)
        return counts
    try:
        due = Domain.objects.to_look_at(now - AGAIN_AFTER, now - WAITING_AGAIN_AFTER)
        for domain in due[:AT_A_TIME]:
            counts[check_domain(domain=domain, now=now, resolver=resolver)] += 1
    finally:
        run_sync(lease.release_effects())
    return counts


def serve_domain(*, domain: Domain, on_word: bool = False) -> None:
    """Serve a domain that is proven, or for which the operator vouches (``on_word``). Raise NotProven."""
    domain.refresh_from_db()
    if not on_word and (domain.verified_at is None or domain.misses):
        name, text = record_of(domain)
        raise NotProven(f"{domain} is not proven: put a TXT record at {name} with the text {text}, and check again.")
    # What nobody proved cannot be missed: on the operator's word alone, the daily look passes it over.
    proof = {"verified_at": None} if on_word else {}
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.ACTIVE, misses=0, fault="", **proof)
    domain.refresh_from_db()


def suspend_domain(*, domain: Domain, why: str) -> None:
    """Serve it no longer: on every node within a second, at the gate, at the certificate question, in hand-offs.

    Raise Needed for a community's master.
    """
    if is_master(domain):
        raise Needed(f"{domain} is the master of {domain.community}: change the master first.")
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.SUSPENDED, fault=why[:300])
    domain.refresh_from_db()
