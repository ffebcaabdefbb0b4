"""``python -m tests.e2e.tls_fill PORT``: makes the communities of ``tests.e2e.tls``, whose hosts are at that port."""

import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402 -- models need the settings, here and below

from sessions_farm.communities import models  # noqa: E402
from tests.e2e.tls import BARE, COMMUNITIES, GOODS, MORE_GOODS, Community, name_of  # noqa: E402
from tests.support.shop import Shop, add_goods, add_vendor  # noqa: E402
from vendors.models import Category, Marketplace, Storefront  # noqa: E402

SERVED = models.Domain.Status.ACTIVE
Kind = models.Domain.Kind


def make(community: Community, port: int) -> None:
    """The community and its stores; each sells the same goods and links on "About us" to its neighbours."""
    row = models.Community.objects.create(
        slug=community.slug, name=community.slug.title(), cookie_name=community.slug, **community.options
    )
    row.master = models.Domain.objects.create(community=row, host=community.master, status=SERVED)
    row.save()
    marketplace = Marketplace.objects.create(community=row, currency="EUR")
    shop = Shop(marketplace, Category.objects.create(marketplace=marketplace, slug="things", name="Things"))
    for host in community.stores:
        slug, _, parent = host.partition(".")
        links = (f"[{name_of(other)}](https://{other}:{port}/about/)" for other in community.stores if other != host)
        vendor = add_vendor(shop, slug, about=f"Our neighbours: {', '.join(links)}.")
        place = {"host": parent, "kind": Kind.WILDCARD} if "." in parent else {"host": host}
        domain = models.Domain.objects.create(community=row, status=SERVED, **place)
        label = slug if domain.kind == Kind.WILDCARD else ""
        Storefront.objects.filter(vendor=vendor).update(domain=domain, label=label)
        add_goods(shop, slug, GOODS)
        if community is BARE:  # where nobody is the same in two stores
            add_goods(shop, slug, MORE_GOODS)


def main(port: int) -> None:
    call_command("migrate", verbosity=0)
    for community in COMMUNITIES:
        make(community, port)


if __name__ == "__main__":
    main(int(sys.argv[1]))
