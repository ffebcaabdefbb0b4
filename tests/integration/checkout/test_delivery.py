"""What a shop promises, from the cart to its packing desk: where it delivers, at what price, until when."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.letters.composing import compose
from cart.letters.models import Letter
from cart.models import Line
from cart.orders.models import Consignment, Order
from cart.orders.slips import find_slips
from sessions_farm.testing.browser import BrowserClient
from tests.support.checkout_walk import MALL, PAYS, card, fill_cart, pay, to_review
from tests.support.html import words_of
from tests.support.shop import (
    ADDRESS,
    add_goods,
    add_vendor,
    begin,
    set_tariff,
    visitor_with,
)
from vendors.models import DeliveryZone, Vendor

BEFORE, AFTER = datetime(2026, 12, 4, 13, 50, tzinfo=UTC), datetime(2026, 12, 4, 14, 10, tzinfo=UTC)  # of a Friday


@pytest.fixture
def browser():
    return BrowserClient()


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "basalt", "Lamp", price=4000)


@pytest.fixture
def pot(shop):
    """Of a shop that sends to two countries only."""
    add_vendor(shop, "delft", standard=500, countries="IE,GB")
    return add_goods(shop, "delft", "Pot", price=2000)


def to_address(browser, *goods, **contact):
    """Fill the cart and send the form of the address."""
    fill_cart(browser, *goods)
    browser.get(f"{MALL}/checkout/")
    return browser.post("/checkout/", ADDRESS | contact)


def deliver_to(browser, country):
    browser.get(f"{MALL}/cart/")
    return browser.post("/cart/deliver-to/", {"country": country})


def add_zone(vendor, name, countries, **fields):
    return DeliveryZone.objects.create(vendor=vendor, name=name, countries=countries, **fields)


# Said where the shopper can still mend it


def test_antarctica_is_said_at_the_address_with_the_goods_and_a_way_to_remove_them(browser, lamp, pot):
    page = to_address(browser, lamp, pot, country="AQ", postcode="")
    assert browser.url == f"{MALL}/checkout/"
    assert "Basalt does not deliver to Antarctica: 1 × Lamp." in words_of(page)
    assert "Delft does not deliver to Antarctica: 1 × Pot." in words_of(page)
    for step in ("delivery", "review"):
        browser.get(f"{MALL}/checkout/{step}/")
        assert browser.url == f"{MALL}/checkout/"
    page = browser.post("/checkout/", ADDRESS)
    assert browser.url == f"{MALL}/checkout/delivery/"


@pytest.mark.parametrize(
    ("contact", "words"),
    [
        ({"country": "GB", "postcode": "banana"}, "“BANANA” is no postcode in this country (United Kingdom"),
        ({"country": "US", "postcode": ""}, "Enter the ZIP code; every address in this country has one"),
        ({"country": "IE", "phone": "call me"}, "Write the number as it is dialled in Ireland"),
        ({"country": ""}, "Choose the country."),
    ],
)
def test_an_address_that_its_country_would_not_take_is_said_beside_the_field(browser, lamp, contact, words):
    page = to_address(browser, lamp, **contact)
    assert page.status_code == 422
    assert words_of(page).count(words) == 2  # on top with a link, and beside the field
    assert 'value="Anna Byrne"' in page.content.decode()


def test_postcode_and_phone_are_kept_as_the_courier_reads_them(browser, lamp):
    to_address(browser, lamp, country="GB", postcode="sw1a1aa", phone="020 7946 0018")
    browser.post("/checkout/delivery/", {f"vendor-{lamp.product.vendor_id}": "standard"})
    assert "phone +442079460018" in words_of(browser.response)
    pay(browser)
    order = Order.objects.get()
    assert (order.postcode, order.phone) == ("SW1A 1AA", "+442079460018")


def test_a_shop_that_sends_to_two_countries_says_so_in_the_cart(browser, lamp, pot):
    fill_cart(browser, lamp, pot)
    page = words_of(deliver_to(browser, "US"))
    assert "Delft does not deliver to United States of America: 1 × Pot." in page
    assert "Basalt does not deliver" not in page
    assert "Remove what is not delivered to United States of America" in page
    assert 'value="checkout"' not in browser.response.content.decode()
    page = words_of(browser.post("/cart/remove-shop/", {"vendor": pot.product.vendor_id}))
    assert "Removed." in page
    assert "does not deliver" not in page
    assert [line.variant for line in Line.objects.select_related("variant")] == [lamp]
    assert 'value="checkout"' in browser.response.content.decode()


def test_another_country_mends_the_cart_in_every_shop(browser, shop, pot):
    fill_cart(browser, pot)
    deliver_to(browser, "FR")
    browser.get("http://amber.localhost:8000/cart/")
    assert "Delft does not deliver to France" in words_of(browser.response)
    assert "Remove what is from Delft" not in words_of(browser.response), "its lines are changed in the mall's cart"
    browser.post("/cart/remove-shop/", {"vendor": pot.product.vendor_id})
    assert Line.objects.exists()
    browser.post("/cart/deliver-to/", {"country": "GB"})
    assert "does not deliver" not in words_of(browser.get(f"{MALL}/cart/"))


def test_a_country_that_is_none_changes_nothing(browser, lamp):
    fill_cart(browser, lamp)
    assert "Choose a country of the list." in words_of(deliver_to(browser, "Mordor"))


def test_the_cart_goes_by_the_country_of_the_address(browser, lamp, pot):
    to_address(browser, lamp, pot, country="US", postcode="95014")
    assert "Delft does not deliver to 95014, United States of America: 1 × Pot." in words_of(browser.response)
    assert "Delft does not deliver to United States of America" in words_of(browser.get(f"{MALL}/cart/"))
    browser.get(f"{MALL}/checkout/")
    form = {"vendor": pot.product.vendor_id, "next": "/checkout/"}
    browser.post("/cart/remove-shop/", form)
    assert browser.url == f"{MALL}/checkout/"
    assert "does not deliver" not in words_of(browser.response)
    assert 'value="95014"' in browser.response.content.decode()


def test_product_and_delivery_page_say_where_it_goes(browser, shop, pot):
    fill_cart(browser, pot)
    deliver_to(browser, "FR")
    assert "Delft does not deliver to France: where it does" in words_of(
        browser.get(f"{MALL}/stores/delft/products/pot/")
    )
    page = words_of(browser.get(f"{MALL}/stores/delft/delivery/"))
    assert "Here Ireland, United Kingdom Standard delivery, 2 to 4 working days €5.00" in page
    assert "Ordered before 14:00, it leaves on the same day: Monday to Friday." in page


# Prices by zone


def test_another_zone_has_its_own_price_and_methods(browser, shop, lamp):
    basalt = shop.vendors["basalt"]
    add_zone(basalt, "Highlands", "GB", postcodes="IV", standard_charge=1690)
    page = words_of(to_address(browser, lamp, country="GB", postcode="IV1 1AA"))
    assert "€16.90" in page
    assert "Express" not in page
    page = words_of(to_address(browser, lamp, country="GB", postcode="M2 5BQ"))
    assert "€3.00" in page
    assert "Express" in page


def test_a_part_that_is_not_delivered_to_is_said_at_the_address(browser, shop, lamp):
    add_zone(shop.vendors["basalt"], "Islands", "GB", postcodes="HS")
    page = to_address(browser, lamp, country="GB", postcode="HS1 2AA")
    assert "Basalt does not deliver to HS1 2AA, United Kingdom: 1 × Lamp." in words_of(page)


def test_a_shop_that_sends_by_express_alone_is_paid_for_it(browser, shop, lamp):
    set_tariff(shop.vendors["basalt"], standard_charge=None)
    review = to_review(browser, lamp, basalt="express")
    assert "Pay €49.00" in words_of(review)


def test_a_shop_that_stopped_delivering_is_said_at_the_button_and_nothing_is_charged(browser, shop, lamp):
    """Free and on the same day looks like no delivery at all, but for the rate."""
    basalt = shop.vendors["basalt"]
    set_tariff(basalt, standard_charge=0, standard_days_from=0, standard_days_until=0)
    to_review(browser, lamp)
    set_tariff(basalt, standard_charge=None, express_charge=None)
    pay(browser)
    assert "Basalt does not deliver to H91 AB12, Ireland: 1 × Lamp." in words_of(browser.response)
    assert not Order.objects.exists()


def test_a_slower_delivery_than_was_reviewed_asks_again(browser, shop, lamp):
    to_review(browser, lamp)
    set_tariff(shop.vendors["basalt"], standard_days_until=20)
    assert pay(browser).status_code == 409
    assert "Check it once more before you pay." in words_of(browser.response)
    pay(browser)
    assert Order.objects.get().consignments.get().days_until == 20


# The promise


def test_the_promise_follows_from_the_review_to_the_desk(browser, shop, lamp):
    with time_machine.travel(BEFORE, tick=False):
        review = words_of(to_review(browser, lamp))
        assert "Standard delivery, €3.00 · Tue 8 to Thu 10 Dec" in review
        pay(browser)
        card(browser, PAYS)
        assert "Arrives Tue 8 to Thu 10 Dec" in words_of(browser.response)
    row = Consignment.objects.select_related("vendor").get()
    assert (row.promised_from, row.promised_until) == (date(2026, 12, 8), date(2026, 12, 10))
    assert row.send_by == datetime(2026, 12, 5, tzinfo=UTC)  # Friday is over in Dublin
    assert row.sending_day == date(2026, 12, 4)
    letter = compose(Letter.objects.select_related("order__marketplace__community__master").get(kind="placed"))
    assert "should arrive Tue 8 to Thu 10 Dec" in letter.body
    assert "should arrive Tue 8 to Thu 10 Dec" in " ".join(letter.alternatives[0].content.split())
    [slip] = find_slips([row.pk])
    assert dict(slip.facts).items() >= {"To leave on": "Fri 4 Dec", "To arrive": "Tue 8 to Thu 10 Dec"}.items()


def test_the_promise_counts_from_the_payment(browser, lamp):
    with time_machine.travel(BEFORE, tick=False):
        to_review(browser, lamp)
        pay(browser)
    with time_machine.travel(AFTER, tick=False):
        card(browser, PAYS)
    row = Consignment.objects.select_related("vendor").get()
    assert row.sending_day == date(2026, 12, 7)  # Monday
    assert row.promised_from == date(2026, 12, 9)


def test_each_consignment_has_the_promise_of_its_shop(shop, lamp, pay_with):
    amber = add_goods(shop, "amber", "Vase")
    Vendor.objects.filter(slug="amber").update(sending_days=[2], closed_days=[date(2026, 12, 9)])
    with time_machine.travel(BEFORE, tick=False):
        payment = begin(visitor_with(shop, lamp=(lamp, 1), vase=(amber, 1)), express=["basalt"])
        pay_with(payment)
        finalise(payment=payment, now=timezone.now())
    rows = {row.vendor.slug: row for row in Consignment.objects.select_related("vendor")}
    assert rows["amber"].sending_day == date(2026, 12, 16)  # the next Wednesday is a holiday
    assert rows["basalt"].promised == "Mon 7 Dec"


def test_no_promise_is_made_before_the_order_is_placed(shop, lamp):
    begin(visitor_with(shop, lamp=(lamp, 1)))
    row = Consignment.objects.get()
    assert (row.send_by, row.promised_from, row.promised) == (None, None, "")
