"""Verification of domains: a TXT record shows the owner, is looked up again each day, and is lost after three failures.

The record at ``_mall-verify.<host>`` holds the domain's own token (as in ACME's dns-01, RFC 8555, 8.4). The next owner
of a lapsed domain cannot have it, so a name that changed hands is no longer served (dangling DNS). A domain that waits
for its record holds nothing: it stands in no rightful owner's way, and the record alone decides.
"""

from __future__ import annotations

import datetime
import enum
import logging
from typing import Any

from django.db import transaction
from django.db.models import Q

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.dns import Resolver, current_resolver
from sessions_farm.communities.errors import (
    DomainNotVerifiedError,
    MasterRequiredError,
    NameHeldError,
    ResolverUnavailableError,
)
from sessions_farm.communities.models import Community, Domain, RegistryVersion
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
PENDING_PERIOD = datetime.timedelta(days=30)  # then it is only looked up by a button
BATCH_SIZE = 100
PENDING_AGAIN: dict[str, Any] = {"status": Domain.Status.PENDING, "verified_at": None}
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

    A DNS that does not answer counts neither as success nor as failure. The third failure in a row takes the name from
    a domain that was verified before: it is pending again. An operator, or its owner, serves it once it is verified.
    """
    resolver = resolver or current_resolver()
    try:
        texts = resolver.txt(verification_record(domain)[0])
        fault = missing_record(domain, texts) or wrong_address(domain, resolver)
    except ResolverUnavailableError as error:
        Domain.objects.filter(pk=domain.pk).update_unversioned(fault=f"{Verification.UNKNOWN.value}: {error}"[:300])
        domain.refresh_from_db()
        return Verification.UNKNOWN
    domain.refresh_from_db()
    if not fault and domain.status == Domain.Status.PENDING:
        fault = take_name(domain, texts, now)
    else:
        save_result(domain, fault, now)
    domain.refresh_from_db()
    return Verification.FAILED if fault else Verification.VERIFIED


def save_result(domain: Domain, fault: str, now: datetime.datetime) -> None:
    """Save the result of a look-up; after three failures in a row a verified domain is pending again."""
    failures = domain.failures + 1 if fault else 0
    result: dict[str, Any] = {"checked_at": now, "fault": fault[:300], "failures": failures}
    if not fault:
        result["verified_at"] = now
    row = Domain.objects.filter(pk=domain.pk, status=domain.status)
    if not (has_lapsed(domain, failures) and row.update(**PENDING_AGAIN, pending_since=now, **result)):
        row.update_unversioned(**result)
        return
    logger.warning("%s has lost its name: it is not verified any more. %s", domain, fault)


def has_lapsed(domain: Domain, failures: int) -> bool:
    """Return whether so many failures take its name from a domain; never from a master, which stays served."""
    is_verified = domain.status in {Domain.Status.VERIFIED, Domain.Status.ACTIVE} and domain.verified_at is not None
    return is_verified and failures >= MAX_FAILURES and not is_community_master(domain)


@transaction.atomic
def take_name(domain: Domain, texts: list[str], now: datetime.datetime) -> str:
    """Give a pending domain, whose record was found, its name; or return why it stays another's, as a sentence.

    Another verified domain loses the name where its own record is gone from the same place: the DNS has changed hands.
    """
    RegistryVersion.bump()  # first: two that take a name at once wait here for each other
    fault = overlap_fault(domain)
    holder = Domain.objects.holding().namesakes_of(domain).select_related("community").first()
    if holder is not None and not fault:
        if is_kept_by_operator(holder):
            fault = f"The record is there, but the mall’s staff keep {domain}; ask them."
        elif verification_record(holder)[1] in texts:
            fault = f"The record is there, but another has {domain}, whose text is there too; take that out: "
            fault += verification_record(holder)[1]
        else:
            Domain.objects.filter(pk=holder.pk).update(
                **PENDING_AGAIN, pending_since=now, fault="The record of another is there, and not its own."
            )
            logger.warning("%s of %s goes to another domain, whose record is there alone.", holder, holder.community)
    result: dict[str, Any] = {"checked_at": now, "fault": fault[:300], "failures": domain.failures + 1}
    if not fault:
        result |= {"failures": 0, "verified_at": now, "status": Domain.Status.VERIFIED}
        logger.info("%s is verified: its TXT record was found.", domain)
    Domain.objects.filter(pk=domain.pk, status=Domain.Status.PENDING).update(**result)
    return fault


def is_kept_by_operator(domain: Domain) -> bool:
    """Return whether a domain holds its name by an operator's decision, and so whatever the DNS says."""
    if domain.status == Domain.Status.SUSPENDED or domain.verified_at is None:
        return True
    return Community.objects.filter(Q(master=domain) | Q(next_master=domain) | Q(former_master=domain)).exists()


def overlap_fault(domain: Domain) -> str:
    """Return the domain of another community that overlaps this one, as a sentence; '' where none does."""
    rival = Domain.objects.overlapping(domain).select_related("community").first()
    return f"{domain} overlaps {rival} of the community {rival.community}." if rival else ""


def require_name(domain: Domain) -> None:
    """Raise NameHeldError where a pending domain cannot hold its name; call it in a transaction."""
    RegistryVersion.bump()  # first, as in take_name
    domain.refresh_from_db()
    if domain.status != Domain.Status.PENDING:
        return
    holder = Domain.objects.holding().namesakes_of(domain).select_related("community").first()
    fault = f"{domain} is held by another domain, of {holder.community}." if holder else overlap_fault(domain)
    if fault:
        raise NameHeldError(fault)


def is_community_master(domain: Domain) -> bool:
    """Return whether a domain is the master of its community. Then it stays served, and its fault is only shown."""
    return Community.objects.filter(master=domain).exists()


def missing_record(domain: Domain, texts: list[str]) -> str:
    """Return what the TXT record of a domain lacks, as a sentence; '' where its text is there."""
    name, text = verification_record(domain)
    if text in texts:
        return ""
    others = ", ".join(texts)[:100]
    return f"The TXT record at {name} " + (f"says {others}, not {text}." if texts else f"is not there: {text}.")


def wrong_address(domain: Domain, resolver: Resolver) -> str:
    """Return what is wrong with the address of a domain, as a sentence; '' where it leads here, or need not.

    Raise ResolverUnavailableError.
    """
    ours = set(community_options().addresses)
    if not ours or domain.kind != Domain.Kind.EXACT:
        return ""
    resolved = resolver.addresses(domain.host)
    if not resolved:
        return f"{domain.host} has no address; let it lead to {', '.join(sorted(ours))}."
    foreign = resolved - ours
    return f"{domain.host} leads to {', '.join(sorted(foreign))}, which is not ours." if foreign else ""


def verify_due_domains(now: datetime.datetime, resolver: Resolver | None = None) -> dict[Verification, int]:
    """Verify pending domains (every five minutes, for thirty days) and verified ones (every day), one node at a time.

    Return how many had each result.
    """
    counts = dict.fromkeys(Verification, 0)
    try:
        lease = run_sync(acquire_effects(current_store(), LEASE_NAME, LEASE_TIMEOUTS))
    except (LockTimeoutError, StoreUnavailableError) as error:
        logger.info("Domains are not verified now: %s", error)
        return counts
    try:
        due = Domain.objects.due_for_verification(now - VERIFY_INTERVAL, now - PENDING_INTERVAL, now - PENDING_PERIOD)
        for domain in due[:BATCH_SIZE]:
            counts[verify_domain(domain=domain, now=now, resolver=resolver)] += 1
    finally:
        run_sync(lease.release_effects())
    return counts


@transaction.atomic
def serve_domain(*, domain: Domain, unverified: bool = False) -> None:
    """Serve a verified domain; with ``unverified`` any but an external host, on the operator's responsibility.

    Raise DomainNotVerifiedError, NameHeldError.
    """
    domain.refresh_from_db()
    require_name(domain)
    if (domain.needs_proof or not unverified) and (domain.verified_at is None or domain.failures):
        name, text = verification_record(domain)
        raise DomainNotVerifiedError(
            f"{domain} is not verified: put a TXT record at {name} with the text {text}, and verify it again."
        )
    # A domain without verified_at is passed over by the daily verification: it has no record that could lapse.
    verified = {"verified_at": None} if unverified and not domain.needs_proof else {}
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.ACTIVE, failures=0, fault="", **verified)
    domain.refresh_from_db()


@transaction.atomic
def suspend_domain(*, domain: Domain, reason: str) -> None:
    """Stop serving a domain, on every node within a second: its pages, its certificate, its hand-offs.

    It keeps its name, so that nobody else has it. Raise MasterRequiredError for a community's master, NameHeldError.
    """
    if is_community_master(domain):
        raise MasterRequiredError(f"{domain} is the master of {domain.community}: change the master first.")
    require_name(domain)
    Domain.objects.filter(pk=domain.pk).update(status=Domain.Status.SUSPENDED, fault=reason[:300])
    domain.refresh_from_db()
