"""Verification of domains: a TXT record shows the owner, is looked up again each day, and is lost after three failures.

The record at ``_mall-verify.<host>`` holds the domain's own token (as in ACME's dns-01, RFC 8555, 8.4). The next owner
of a lapsed domain cannot have it, so a name that changed hands is no longer served (dangling DNS).
"""

from __future__ import annotations

import datetime
import enum
import logging
from typing import Any

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.dns import Resolver, current_resolver
from sessions_farm.communities.errors import DomainNotVerifiedError, MasterRequiredError, ResolverUnavailableError
from sessions_farm.communities.models import Community, Domain
from sessions_farm.conf import DAY
from sessions_farm.session.locks import LockTimeoutError, LockTimeouts, acquire_effects
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync

logger = logging.getLogger(__name__)

LABEL = "_mall-verify"
PREFIX = "mall-verify="
MAX_FAILURES = 3
VERIFY_INTERVAL = datetime.timedelta(seconds=DAY)
PENDING_INTERVAL = datetime.timedelta(minutes=5)  # for a domain whose owner is just creating the record
BATCH_SIZE = 100
LEASE_NAME = "verify-domains"
LEASE_TIMEOUTS = LockTimeouts(wait=0, lease=600)


class Verification(enum.Enum):
    """The result of looking a domain's record up once."""

    VERIFIED = "verified"
    FAILED = "not verified"
    UNKNOWN = "the DNS does not answer"


def verification_record(domain: Domain) -> tuple[str, str]:
    """Return name and text of the TXT record that verifies a domain; a wildcard's is at its base."""
    return f"{LABEL}.{domain.host}", f"{PREFIX}{domain.verify_token}"


def verify_domain(*, domain: Domain, now: datetime.datetime, resolver: Resolver | None = None) -> Verification:
    """Look the record up once, and save the result.

    A DNS that does not answer counts neither as success nor as failure. The third failure in a row suspends a domain
    that was verified before; only an operator serves it again.
    """
    try:
        fault = missing_in_dns(domain, resolver or current_resolver())
    except ResolverUnavailableError as error:
        Domain.objects.filter(pk=domain.pk).update_unversioned(fault=f"{Verification.UNKNOWN.value}: {error}"[:300])
        domain.refresh_from_db()
        return Verification.UNKNOWN
    domain.refresh_from_db()
    result: dict[str, Any] = {"checked_at": now, "fault": fault[:300], "failures": domain.failures + 1 if fault else 0}
    if not fault:
        result["verified_at"] = now
    status = next_status(domain, result["failures"], verified=not fault)
    if status == domain.status:
        Domain.objects.filter(pk=domain.pk).update_unversioned(**result)
    else:
        Domain.objects.filter(pk=domain.pk, status=domain.status).update(status=status, **result)
        logger.warning("%s is %s now. %s", domain, Domain.Status(status).label, fault or "Its TXT record was found.")
    domain.refresh_from_db()
    return Verification.FAILED if fault else Verification.VERIFIED


def next_status(domain: Domain, failures: int, *, verified: bool) -> str:
    """Return the status of a domain after a verification with this result."""
    if verified:
        return Domain.Status.VERIFIED if domain.status == Domain.Status.PENDING else domain.status
    lapsed = domain.verified_at and failures >= MAX_FAILURES and not is_community_master(domain)
    return Domain.Status.SUSPENDED if lapsed else domain.status


def is_community_master(domain: Domain) -> bool:
    """Return whether a domain is the master of its community. Then it stays served, and its fault is only shown."""
    return Community.objects.filter(master=domain).exists()


def missing_in_dns(domain: Domain, resolver: Resolver) -> str:
    """Return what the DNS of a domain lacks, as a sentence; '' where it is complete.

    Raise ResolverUnavailableError.
    """
    name, text = verification_record(domain)
    found = resolver.txt(name)
    if text not in found:
        others = ", ".join(found)[:100]
        return f"The TXT record at {name} " + (f"says {others}, not {text}." if found else f"is not there: {text}.")
    ours = set(community_options().addresses)
    if not ours or domain.kind != Domain.Kind.EXACT:
        return ""
    resolved = resolver.addresses(domain.host)
    if not resolved:
        return f"{domain.host} has no address; let it lead to {', '.join(sorted(ours))}."
    foreign = resolved - ours
    return f"{domain.host} leads to {', '.join(sorted(foreign))}, which is not ours." if foreign else ""


def verify_due_domains(now: datetime.datetime, resolver: Resolver | None = None) -> dict[Verification, int]:
    """Verify pending domains (every five minutes) and served ones (every day), on one node at a time.

    Return how many had each result.
    """
    counts = dict.fromkeys(Verification, 0)
    try:
        lease = run_sync(acquire_effects(current_store(), LEASE_NAME, LEASE_TIMEOUTS))
    except (LockTimeoutError, StoreUnavailableError) as error:
        logger.info("Domains are not verified now: %s", error)
        return counts
    try:
        due = Domain.objects.due_for_verification(now - VERIFY_INTERVAL, now - PENDING_INTERVAL)
        for domain in due[:BATCH_SIZE]:
            counts[verify_domain(domain=domain, now=now, resolver=resolver)] += 1
    finally:
        run_sync(lease.release_effects())
    return counts


def serve_domain(*, domain: Domain, unverified: bool = False) -> None:
    """Serve a verified domain; with ``unverified`` any but a host outside, on the operator's responsibility.

    Raise DomainNotVerifiedError.
    """
    domain.refresh_from_db()
    if (domain.needs_proof or not unverified) and (domain.verified_at is None or domain.failures):
        name, text = verification_record(domain)
        raise DomainNotVerifiedError(
            f"{domain} is not verified: put a TXT record at {name} with the text {text}, and verify it again."
        )
    # A domain without verified_at is passed over by the daily verification: it has no record that could lapse.
    verified = {"verified_at": None} if unverified and not domain.needs_proof else {}
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.ACTIVE, failures=0, fault="", **verified)
    domain.refresh_from_db()


def suspend_domain(*, domain: Domain, reason: str) -> None:
    """Stop serving a domain, on every node within a second: its pages, its certificate, its hand-offs.

    Raise MasterRequiredError for a community's master.
    """
    if is_community_master(domain):
        raise MasterRequiredError(f"{domain} is the master of {domain.community}: change the master first.")
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.SUSPENDED, fault=reason[:300])
    domain.refresh_from_db()
