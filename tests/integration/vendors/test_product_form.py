"""What cannot be sold is said at the product's form, in words, and nothing is saved."""

import html

import pytest
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from sessions_farm.communities.models import Community
from tests.support.html import form_data
from tests.support.two_vendors import MASTER
from vendors.models import Category, Marketplace, Product, Variant


@pytest.fixture
def foreign(side):
    """A department of another community's marketplace."""
    other = Marketplace.objects.create(
        community=Community.objects.create(slug="tide", name="Tide", cookie_name="tide"), currency="EUR"
    )
    return Category.objects.create(marketplace=other, slug="nets", name="Nets of another mall")


@pytest.fixture
def owner(side):
    return signed_in(side.staff["owner"])


def signed_in(user):
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


def page_of(side):
    return reverse("admin:vendors_product_change", args=[side.rows[Product].pk])


def save(client, side, **changes) -> str:
    """Save the form with changes; the page's words, empty where it was saved."""
    data = form_data(client.get(page_of(side))) | changes
    answer = client.post(page_of(side), data)
    assert answer.status_code in {200, 302}
    return "" if answer.status_code == 302 else html.unescape(answer.content.decode())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variants-0-sale_price": "0"}, "A price is more than nothing."),
        ({"variants-0-sale_price": "10.00"}, "A sale price is below the price."),
        ({"variants-0-price": "0,00"}, "A price is more than nothing."),
        ({"variants-0-withdrawn": "on"}, "A published product needs a variant that is not withdrawn"),
    ],
)
def test_what_cannot_be_sold_is_said_in_words(side, owner, changes, words):
    before = Variant.objects.values().get()
    page = save(owner, side, **changes)

    assert words in page
    assert "vendors_variant" not in page.replace("vendors_variant_change", "")
    assert Variant.objects.values().get() == before


def test_a_draft_may_wait_for_its_variants(side, owner):
    """The control of the refusals: what can be, is saved."""
    assert save(owner, side, _draft="", **{"variants-0-withdrawn": "on"}) == ""
    assert save(owner, side, **{"variants-0-sale_price": "9,50"}) == ""
    assert Variant.objects.get().sale_price == 950


def test_sku_is_the_shop_s_own_once(side, owner):
    other = Product.objects.create(
        vendor=side.vendor, category=Category.objects.get(), name="Shade", slug="shade", status="draft"
    )
    Variant.objects.create(product=other, sku="S-1", price=500)
    assert "Shade has the SKU S-1 already." in save(owner, side, **{"variants-0-sku": "S-1"})
    assert save(owner, side, **{"variants-0-sku": "S-2"}) == ""


def test_department_of_another_marketplace_is_neither_offered_nor_taken(side, owner, foreign):
    boss = signed_in(User.objects.create_superuser("boss@example.org"))
    assert foreign.name not in owner.get(page_of(side)).content.decode()
    assert foreign.name not in owner.get(reverse("admin:vendors_product_changelist")).content.decode()
    assert "is not one of the available choices" in save(owner, side, category=foreign.pk)
    assert "is not one of the available choices" in save(boss, side, category=foreign.pk)
    assert Product.objects.get().category != foreign
