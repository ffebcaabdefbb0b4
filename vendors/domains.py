"""Domains that vendors bring: added by an owner, verified by the DNS, and given to the vendor's storefront.

A domain that is added reserves nothing; the record decides whose it is (sessions_farm.communities.verification).
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError, Q

from sessions_farm.communities.errors import InvalidHostnameError
from sessions_farm.communities.hostnames import normalize_hostname
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.public_suffixes import is_public_suffix
from sessions_farm.communities.verification import serve_domain
from vendors.models import Storefront, Vendor, VendorDomain

MAX_PENDING = 5  # each is looked up again and again
MAX_DOMAINS = 20  # of one vendor: each served one costs a certificate


class DomainRefusedError(Exception):
    """A vendor's domain cannot be had, or cannot be used as is asked. The message is for its owner."""


@transaction.atomic
def add_domain(*, vendor: Vendor, text: str) -> Domain:
    """Add the domain that an owner typed; it waits for its record. Raise DomainRefusedError."""
    host = host_from(text)
    Vendor.objects.select_for_update().get(pk=vendor.pk)  # two additions at once are counted one after the other
    owned = Domain.objects.filter(pk__in=vendor.domains.values("domain"))
    if owned.filter(host=host).exists():
        raise DomainRefusedError(f"{host} is on this page already.")
    if fault := name_fault(host):
        raise DomainRefusedError(fault)
    if owned.filter(status=Domain.Status.PENDING).count() >= MAX_PENDING:
        raise DomainRefusedError(
            f"{MAX_PENDING} domains wait for their records, and no more may. Set a record, or remove a domain first."
        )
    if owned.count() >= MAX_DOMAINS:
        raise DomainRefusedError(f"A shop may have {MAX_DOMAINS} domains, and has them. Remove one first.")
    domain = Domain.objects.create(community=vendor.marketplace.community, host=host)
    VendorDomain.objects.create(vendor=vendor, domain=domain)
    return domain


def host_from(text: str) -> str:
    """Return the one host that an owner's text names. Raise DomainRefusedError.

    Owners have neither wildcards, which stand for names that nobody proved one by one, nor external members,
    whose secrets and callbacks are the mall's to give.
    """
    try:
        name = normalize_hostname(text)
    except InvalidHostnameError as error:
        raise DomainRefusedError(str(error)) from error
    if name.is_wildcard:
        raise DomainRefusedError(f"“{text}” is every name below {name.host}. A shop has one: give that, without *.")
    if is_public_suffix(name.host):
        raise DomainRefusedError(
            f"{name.host} is nobody’s: strangers have names below it. Give the name you registered, as shop.example."
        )
    return name.host


def name_fault(host: str) -> str:
    """Return why no vendor can ever have a name, as a sentence; '' where its record decides.

    A name that another vendor has is no fault: it may have changed hands, and then its record says so.
    """
    parents = [host[place:] for place, sign in enumerate(f".{host}") if sign == "."]
    ours = Domain.objects.filter(status=Domain.Status.ACTIVE)
    if below := ours.filter(kind=Domain.Kind.WILDCARD, host__in=parents).first():
        return f"{host} is one of the mall’s own names, {below}. The mall’s staff give those."
    if Community.objects.filter(master__host__in=parents).exists():
        return f"{host} is the mall’s own name. Give one that is yours."
    holder = Domain.objects.holding().filter(~Q(kind=Domain.Kind.WILDCARD), host=host).first()
    if holder is None:
        return ""
    if holder.status == Domain.Status.SUSPENDED:
        return f"The mall’s staff have stopped {host}. Ask them."
    if not VendorDomain.objects.filter(domain=holder).exists():
        return f"The mall’s staff gave {host} its place. Ask them."
    return ""


def holder_of(domain: Domain) -> Domain | None:
    """Return the other domain that has the name of a pending one now, or None."""
    if domain.status != Domain.Status.PENDING:
        return None
    return Domain.objects.holding().namesakes_of(domain).first()


@transaction.atomic
def open_store_on(*, vendor: Vendor, domain: Domain) -> None:
    """Serve a vendor's verified domain, and move the vendor's store there.

    Raise DomainRefusedError, or the CommunityError that names the missing record.
    """
    require_not_stopped(vendor, domain)
    if domain.status != Domain.Status.ACTIVE:
        serve_domain(domain=domain)
    storefront = storefront_of(vendor)
    storefront.domain, storefront.label = domain, ""
    if fault := storefront.place_fault():
        raise DomainRefusedError(fault)
    if Storefront.objects.filter(domain=domain).exclude(pk=storefront.pk).exists():
        raise DomainRefusedError(f"Another shop is at {domain}. Ask the mall’s staff.")
    storefront.save()


@transaction.atomic
def move_store_to_master(*, vendor: Vendor) -> None:
    """Move a vendor's store to its path on the master, where every store can be."""
    storefront = storefront_of(vendor)
    storefront.domain, storefront.label = None, ""
    storefront.save()


@transaction.atomic
def remove_domain(*, vendor: Vendor, domain: Domain) -> None:
    """Remove a vendor's domain: from now on it is served nowhere. A store there moves to its path on the master.

    Raise DomainRefusedError.
    """
    require_not_stopped(vendor, domain)
    if Community.objects.filter(Q(master=domain) | Q(next_master=domain) | Q(former_master=domain)).exists():
        raise DomainRefusedError(f"The mall itself needs {domain}. Ask its staff.")
    if storefront_of(vendor).domain_id == domain.pk:
        move_store_to_master(vendor=vendor)
    try:
        domain.delete()
    except ProtectedError as error:
        raise DomainRefusedError(f"Another shop is at {domain}. Ask the mall’s staff.") from error


def require_not_stopped(vendor: Vendor, domain: Domain) -> None:
    """Raise DomainRefusedError where the mall's staff have stopped a domain, or closed the store."""
    domain.refresh_from_db()
    if domain.status == Domain.Status.SUSPENDED:
        raise DomainRefusedError(f"The mall’s staff have stopped {domain}. Ask them.")
    if vendor.status == Vendor.Status.SUSPENDED:
        raise DomainRefusedError(f"The mall’s staff have closed {vendor}. Ask them.")


def storefront_of(vendor: Vendor) -> Storefront:
    """Return the vendor's storefront, a new one on the master's path where there is none."""
    return Storefront.objects.filter(vendor=vendor).select_related("domain").first() or Storefront(vendor=vendor)
