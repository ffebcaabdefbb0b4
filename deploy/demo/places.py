"""The demo's malls: communities, domains, categories, vendors and the addresses of their stores.

They are made by the steps of sessions_farm/communities/DOMAINS.md, "A community, step by step", with the checks of the
admin's forms.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from deploy.demo import catalogue, people
from deploy.demo.catalogue import MallEntry, VendorEntry
from mall.accounts.models import User
from sessions_farm.communities.links import origin
from sessions_farm.communities.models import ClientSecret, Community, Domain
from sessions_farm.communities.openid.client_secrets import digest_of_secret
from sessions_farm.communities.verification import serve_domain
from vendors.models import Category, DeliveryZone, Marketplace, Membership, Storefront, Synonym, Vendor

CALLBACK = "/mall/callback"  # of the external member (deploy/external_site/)


@dataclass(frozen=True, slots=True)
class Places:
    """The rows that the goods and orders of a mall hang on, by slug."""

    mall: MallEntry
    marketplace: Marketplace
    categories: dict[str, Category]
    vendors: dict[str, Vendor]


def load_places(mall: MallEntry, users: dict[str, User]) -> Places:
    community = _load_community(mall)
    domains = _load_domains(mall, community)
    _choose_master(community, domains[mall.master])
    marketplace = _load_marketplace(mall, community)
    _load_synonyms(mall, marketplace)
    categories = _load_categories(mall, marketplace)
    vendors = {entry.slug: _load_vendor(entry, marketplace, domains) for entry in catalogue.vendors(mall)}
    _load_memberships(vendors, users)
    return Places(mall, marketplace, categories, vendors)


def _load_community(mall: MallEntry) -> Community:
    """Load the community: the first step."""
    community = Community.objects.filter(slug=mall.slug).first()
    if community is None:
        community = Community(slug=mall.slug, name=mall.name, cookie_name=mall.cookie_name)
        community.full_clean()
        community.save()
    return community


def _load_domains(mall: MallEntry, community: Community) -> dict[str, Domain]:
    """Load the domains, and serve them: the second and the third step. Return them by the catalogue's host."""
    domains = {}
    for entry in mall.domains:
        host = served_host(entry.host)
        if entry.kind == Domain.Kind.EXTERNAL:
            _load_external_member(community, host)
            continue
        domains[entry.host] = Domain.objects.filter(host=host, community=community).first() or _served_domain(
            Domain(community=community, host=host, kind=entry.kind)
        )
    return domains


def _served_domain(domain: Domain) -> Domain:
    """Serve a new domain on the operator's responsibility: no DNS but the browser's own knows ``localhost``."""
    domain.full_clean()
    domain.save()
    serve_domain(domain=domain, unverified=True)
    return domain


def _choose_master(community: Community, master: Domain) -> None:
    """Choose the master where there is none: the fourth step."""
    if community.master is None:
        community.master = master
        community.full_clean()
        community.save()


def _load_external_member(community: Community, host: str) -> None:
    """Load the external member, where one runs; its port and its secret may change with each start."""
    secret, port = os.environ.get("DEMO_EXTERNAL_SECRET"), os.environ.get("DEMO_EXTERNAL_PORT")
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


def _load_marketplace(mall: MallEntry, community: Community) -> Marketplace:
    marketplace, _ = Marketplace.objects.get_or_create(
        community=community,
        defaults={
            "currency": mall.currency,
            "country": mall.country,
            "strapline": mall.strapline,
            "support_email": mall.support_email,
            "vendor_terms": mall.vendor_terms,
            "bank_account": f"{community.name}\nIE29 AIBK 9311 5212 3456 78 (a demo: nothing arrives there)",
        },
    )
    return marketplace


def _load_synonyms(mall: MallEntry, marketplace: Marketplace) -> None:
    known = set(marketplace.synonyms.values_list("words", flat=True))
    for words in mall.synonyms:
        if words not in known:
            Synonym.objects.create(marketplace=marketplace, words=words)


def _load_categories(mall: MallEntry, marketplace: Marketplace) -> dict[str, Category]:
    Category.objects.bulk_create(
        [
            Category(marketplace=marketplace, slug=entry.slug, name=entry.name, position=position)
            for position, entry in enumerate(mall.categories, start=1)
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
        storefront = Storefront(vendor=vendor, domain=domains.get(entry.domain), label=entry.label)
        storefront.full_clean()
        storefront.save()
        for zone in entry.zones:
            _load_zone(vendor, zone)
    return vendor


def _load_zone(vendor: Vendor, fields: dict[str, Any]) -> None:
    """Load a delivery zone, with the checks of the admin's form."""
    zone = DeliveryZone(vendor=vendor, **fields)
    zone.full_clean()
    zone.save()


def _load_memberships(vendors: dict[str, Vendor], users: dict[str, User]) -> None:
    Membership.objects.bulk_create(
        [
            Membership(vendor=vendors[person.vendor], user=users[person.email], role=person.role)
            for person in people.everybody()
            if person.vendor in vendors
        ],
        ignore_conflicts=True,
    )
