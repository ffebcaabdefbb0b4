"""A community has one currency: all of its pages, tills, letters and exports are in it, and no cart has two."""

import json
import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from cart import services
from cart.checkout.payments.sandbox.models import Charge
from cart.letters import composing
from cart.letters.models import Letter
from cart.models import Line
from cart.orders.models import Order
from sessions_farm.communities.models import Community, Domain, Visitor
from sessions_farm.communities.registry import registry
from tests.support import checkout_walk
from tests.support.html import flat
from tests.support.shop import ADDRESS, Shop, add_goods, add_vendor, make_shop, put
from vendors.models import Category, Marketplace

TIDE, ROPE = "tide.localhost", "rope.localhost"


@pytest.fixture
def arcade(db, redis_client, settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "http", 8000
    yield make_shop()
    registry.forget()


@pytest.fixture
def tide(arcade):
    """A second community beside the first, in pounds."""
    community = Community.objects.create(slug="tide", name="Tide", cookie_name="tide", handoff_policy="off")
    community.master = Domain.objects.create(community=community, host=TIDE, status="active")
    community.save()
    market = Marketplace.objects.create(community=community, currency="GBP", country="GB")
    shop = Shop(market, Category.objects.create(marketplace=market, slug="house", name="House"))
    add_vendor(shop, "rope", host=ROPE, standard=650, free_from=9000)
    add_goods(shop, "rope", "Skillet", price=123450)
    registry.forget()
    return shop


def amounts_in(response):
    """The signs of currencies on a page."""
    return set(re.findall("[€£$]", response.text))


def test_every_page_of_a_shop_is_in_its_communitys_currency(tide):
    client = Client(headers={"host": ROPE})
    pages = ["/", "/products/skillet/", "/departments/house/", "/search/?q=skillet&low=£20&high=2,000.00", "/delivery/"]
    found = {path: amounts_in(client.get(path)) for path in pages}
    assert found == {path: {"£"} for path in pages}
    text = flat(client.get("/search/?q=skillet&low=£20&high=2,000.00"))
    assert "from £20.00" in text
    assert "up to £2,000.00" in text
    assert "Skillet" in text
    data = json.loads(re.search(r"ld\+json\">(.*?)</script>", client.get("/products/skillet/").text, re.DOTALL)[1])
    offer = data["@graph"][0]["offers"][0]
    assert (offer["price"], offer["priceCurrency"]) == ("1234.50", "GBP")


def test_cart_till_charge_and_letter_are_in_pounds(tide, django_capture_on_commit_callbacks):
    variant = tide.vendors["rope"].products.get().variants.get()
    client = Client(headers={"host": f"{TIDE}:8000"})
    with django_capture_on_commit_callbacks():
        client.post("/cart/add/", {"variant": variant.pk, "quantity": 2, "next": "/cart/"})
        assert amounts_in(client.get("/cart/")) == {"£"}
        client.post("/checkout/", ADDRESS | {"country": "GB", "postcode": "BT22 1LE"})
        client.post("/checkout/delivery/", {f"vendor-{variant.product.vendor_id}": "standard"})
        review = client.get("/checkout/review/")
        assert "Pay £2,469.00" in review.text
        payment = client.post("/checkout/pay/", checkout_walk.hidden(review))["Location"]
        assert amounts_in(client.get(payment)) == {"£"}
        back = client.post(payment, {"number": checkout_walk.PAYS, "expiry": "04 / 30", "code": "123"})["Location"]
        page = client.get(client.get(back)["Location"])
    assert amounts_in(page) == {"£"}
    order = Order.objects.get()
    assert (order.currency, order.total, order.payments.get().currency) == ("GBP", 246900, "GBP")
    assert Charge.objects.get().currency == "GBP"
    assert "£2,469.00" in composing.compose(Letter(order=order, kind=Letter.Kind.PLACED)).body


def test_goods_of_another_currency_enter_no_cart_and_it_is_said(arcade, tide):
    lamp = add_goods(arcade, "basalt", "Lamp")
    visitor = Visitor.objects.create(community=tide.community)
    put(visitor, tide.vendors["rope"].products.get().variants.get())
    with pytest.raises(services.NotForSaleError):
        services.add_line(visitor=visitor, variant_id=lamp.pk, quantity=1, now=timezone.now())
    assert Line.objects.filter(variant=lamp).count() == 0
    client = Client(headers={"host": f"{TIDE}:8000"})
    answer = client.post("/cart/add/", {"variant": lamp.pk, "quantity": 1, "next": "/cart/"}, follow=True)
    assert "That is not for sale here any more. Nothing was added." in answer.text


def test_currency_with_goods_in_it_stays(tide):
    market = tide.marketplace
    market.full_clean()
    market.currency = "EUR"
    with pytest.raises(ValidationError, match="prices here are in GBP"):
        market.full_clean()
    empty = Marketplace(community=Community.objects.create(slug="new", name="New", cookie_name="new"), currency="GBP")
    empty.save()
    empty.currency = "JPY"
    empty.full_clean()


@pytest.mark.parametrize("code", ["XXY", "eur", "€"])
def test_currency_that_is_none_is_refused(arcade, code):
    with pytest.raises(ValidationError, match="ISO 4217"):
        Marketplace(
            community=Community.objects.create(slug="new", name="New", cookie_name="new"), currency=code
        ).full_clean()
