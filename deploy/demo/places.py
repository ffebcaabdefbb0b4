"""The demo's mall itself: community, domains, categories, vendors and the addresses of their stores."""

from __future__ import annotations

import os
from dataclasses import dataclass

from django.conf import settings

from deploy.demo import catalogue, people
from deploy.demo.catalogue import VendorEntry
from mall.accounts.models import User
from sessions_farm.communities.links import origin
from sessions_farm.communities.models import ClientSecret, Community, Domain
from sessions_farm.communities.openid.client_secrets import digest_of_secret
from vendors.models import Category, Marketplace, Membership, Storefront, Vendor

CALLBACK = "/mall/callback"  # of the member outside (deploy/external_site/)


@dataclass(frozen=True, slots=True)
class Places:
    """The rows that goods and orders hang on, by slug."""

    marketplace: Marketplace
    categories: dict[str, Category]
    vendors: dict[str, Vendor]


def load_places(users: dict[str, User]) -> Places:
    community = _load_community()
    domains = _load_domains(community)
    marketplace = _load_marketplace(community)
    categories = _load_categories(marketplace)
    vendors = {entry.slug: _load_vendor(entry, marketplace, domains) for entry in catalogue.vendors()}
    _load_memberships(vendors, users)
    return Places(marketplace, categories, vendors)


def _load_community() -> Community:
    mall = catalogue.mall()
    community, _ = Community.objects.get_or_create(
        slug=mall.slug, defaults={"name": mall.name, "cookie_name": mall.cookie_name}
    )
    return community


def _load_domains(community: Community) -> dict[str, Domain]:
    """Return the domains by the catalogue's host. Each is saved by itself, which tells the nodes of the change."""
    mall = catalogue.mall()
    domains = {}
    for entry in mall.domains:
        if entry.kind == Domain.Kind.EXTERNAL:
            _load_outside(community, served_host(entry.host))
            continue
        domains[entry.host], _ = Domain.objects.get_or_create(
            host=served_host(entry.host),
            defaults={"community": community, "kind": entry.kind, "status": Domain.Status.ACTIVE},
        )
    if community.master is None:
        community.master = domains[mall.master]
        community.save()
    return domains


def _load_outside(community: Community, host: str) -> None:
    """Load the member outside the farm, where one runs; its port and its secret may change with each start."""
    secret, port = os.environ.get("DEMO_OUTSIDE_SECRET"), os.environ.get("DEMO_OUTSIDE_PORT")
    if not secret:
        return
    where = f"{settings.PUBLIC_SCHEME}://{host}:{port}" if port else origin(host)
    known = {"redirect_uris": where + CALLBACK}
    identity = {"community": community, "kind": Domain.Kind.EXTERNAL, "status": Domain.Status.ACTIVE}
    domain, _ = Domain.objects.get_or_create(host=host, defaults=identity | known)
    if domain.redirect_uris != known["redirect_uris"]:
        Domain.objects.filter(pk=domain.pk).update(**known)
    digest = digest_of_secret(secret)
    if not domain.secrets.filter(digest=digest, ends_at=None).exists():
        domain.secrets.all().delete()
        ClientSecret.objects.create(domain=domain, digest=digest)


def served_host(host: str) -> str:
    """Return the name here of a catalogue's host: below ``localhost``, or below DEMO_TLD on a farm."""
    return host.removesuffix("localhost") + os.environ.get("DEMO_TLD", "localhost")


def _load_marketplace(community: Community) -> Marketplace:
    mall = catalogue.mall()
    marketplace, _ = Marketplace.objects.get_or_create(
        community=community,
        defaults={"currency": mall.currency, "strapline": mall.strapline, "support_email": mall.support_email},
    )
    return marketplace


def _load_categories(marketplace: Marketplace) -> dict[str, Category]:
    Category.objects.bulk_create(
        [
            Category(marketplace=marketplace, slug=entry.slug, name=entry.name, position=position)
            for position, entry in enumerate(catalogue.mall().categories, start=1)
        ],
        ignore_conflicts=True,
    )
    return {category.slug: category for category in marketplace.categories.all()}


def _load_vendor(entry: VendorEntry, marketplace: Marketplace, domains: dict[str, Domain]) -> Vendor:
    vendor, is_new = Vendor.objects.get_or_create(
        slug=entry.slug,
        defaults={**entry.fields, "marketplace": marketplace, "status": Vendor.Status.PUBLISHED},
    )
    if is_new:
        Storefront.objects.create(vendor=vendor, domain=domains.get(entry.domain), label=entry.label)
    return vendor


def _load_memberships(vendors: dict[str, Vendor], users: dict[str, User]) -> None:
    Membership.objects.bulk_create(
        [
            Membership(vendor=vendors[person.vendor], user=users[person.email], role=person.role)
            for person in people.everybody()
            if person.vendor
        ],
        ignore_conflicts=True,
    )
