"""A second community is made in the admin by the steps of DOMAINS.md, and shares nothing with the first."""

import pytest
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.registry_admin import FormClient
from tests.support.html import form_data, words_of
from tests.support.shop import MASTER, make_shop
from vendors.models import Marketplace, Storefront, Vendor


class Operator(FormClient):
    """A superuser in the admin of the first community: opens a form, fills it in, and saves it."""

    def fill(self, page, /, *args, **values):
        address = reverse(f"admin:{page}", args=args)
        form = form_data(self.get(address)) | values
        response = self.post(address, form)
        assert response.status_code == 302, response.context["errors"]

    def press(self, page, *args):
        assert self.post(reverse(f"admin:{page}", args=args)).status_code == 302


@pytest.fixture
def operator(db, redis_client):
    make_shop()
    operator = Operator(headers={"host": MASTER})
    operator.force_login(User.objects.create_superuser("boss@example.org"))
    yield operator
    registry.forget()


def test_second_community_is_made_by_the_documented_steps(operator):
    hosts = {"domains-0-host": "fair.localhost", "domains-1-host": "tea.localhost", "domains-1-kind": "exact"}
    own = {"slug": "fair", "name": "The Fair", "cookie_name": "fair", "domains-TOTAL_FORMS": 2}
    operator.fill("communities_community_add", **own, **hosts)
    community = Community.objects.get(slug="fair")
    fair, tea = community.domains.order_by("host")
    for domain in (fair, tea):
        operator.press("communities_domain_serve_unverified", domain.pk)
    operator.fill("communities_community_change", community.pk, master=fair.pk)

    operator.fill("vendors_marketplace_add", community=community.pk)
    marketplace = Marketplace.objects.get(community=community)
    operator.fill("vendors_vendor_add", marketplace=marketplace.pk, name="Tea", slug="tea", owner="tea@example.org")
    vendor = Vendor.objects.get(slug="tea")
    operator.fill("vendors_storefront_change", Storefront.objects.get(vendor=vendor).pk, domain=tea.pk)
    Vendor.objects.update(status=Vendor.Status.ASKED)  # as its owner does: test_onboarding
    assert operator.post(reverse("admin:setup", args=[vendor.pk]), {"button": "approve"}).status_code == 302
    assert set(Domain.objects.filter(community=community).values_list("status", flat=True)) == {"active"}

    visitor = Client()
    assert "The Fair" in visitor.get("/", headers={"host": "fair.localhost"}).text
    assert visitor.get("/", headers={"host": "tea.localhost"}).wsgi_request.storefront.name == "Tea"
    front = words_of(
        visitor.get("/", headers={"host": MASTER})
    )  # in its tags is a token, which may have "Tea" by chance
    assert "Tea" not in front
    assert registry.resolve("tea.localhost").cookie_name == "fair"


def test_storefront_on_a_place_that_is_not_served_is_refused_in_the_admin(operator):
    wild = Domain.objects.create(
        community=Community.objects.get(), host="shops.localhost", kind="wildcard", status="active"
    )
    storefront = Storefront.objects.get(vendor__slug="basalt")
    address = reverse("admin:vendors_storefront_change", args=[storefront.pk])
    form = {"vendor": storefront.vendor_id, "domain": wild.pk, "label": ""}
    assert "*.shops.localhost needs a label." in operator.post(address, form).text
    assert operator.post(address, form | {"label": "basalt"}).status_code == 302
    assert Client().get("/", headers={"host": "basalt.shops.localhost"}).status_code == 200
    assert "Give one" not in operator.post(address, {"vendor": "", "domain": wild.pk, "label": "x"}).text
