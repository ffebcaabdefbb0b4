"""A mall with a store on a host of its own, one below a wildcard domain, and one on the master's path."""

import pytest
from django.test import Client

from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import registry
from tests.support.shop import add_vendor, make_shop
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Category, Marketplace, Storefront


class Shopper(Client):
    """Asks a host for a page."""

    def on(self, host, path="/", **data):
        return self.get(path, data, headers={"host": host})


@pytest.fixture
def shopper():
    return Shopper()


@pytest.fixture
def shop(db, redis_client, settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "http", 8000
    made = make_shop()
    wild = Domain.objects.create(
        community=made.community, host="shops.localhost", kind=Domain.Kind.WILDCARD, status="active"
    )
    thistle = add_vendor(made, "thistle")
    Storefront.objects.filter(vendor=thistle).update(domain=wild, label="thistle")
    registry.refresh()
    yield made
    registry.forget()


@pytest.fixture
def tools(shop):
    return Category.objects.create(marketplace=Marketplace.objects.get(), slug="tools", name="Tools")


@pytest.fixture
def side(db):
    """A vendor with a row of everything, and people of each role."""
    return make_side("Amber", make_marketplace())


@pytest.fixture
def clerk(side):
    """The vendor's keeper of the catalogue, signed in."""
    client = Client(headers={"host": MASTER})
    client.force_login(side.staff["catalogue"])
    return client
