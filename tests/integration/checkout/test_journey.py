"""From the cart to the status page by HTTP, as a browser without JavaScript walks."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from cart.checkout.payments.sandbox import signing
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.sweeping import sweep_checkouts
from cart.models import Line
from cart.orders.models import Address, Order, Payment
from mall.accounts.models import User
from sessions_farm.testing.browser import BrowserClient
from tests.support.checkout_walk import (
    DECLINED,
    LOST,
    MALL,
    PAYS,
    SECURE,
    card,
    fill_cart,
    hidden,
    pay,
    to_review,
)  # fmt: skip
from tests.support.html import words_of
from tests.support.shop import ADDRESS, MASTER, add_goods, later, order_of, put_on_hand, set_tariff


@pytest.fixture
def browser():
    return BrowserClient()


@pytest.fixture
def vase(shop):
    return add_goods(shop, "basalt", "Vase", price=4000)


def test_guest_buys_and_sees_the_status_page(browser, vase):
    review = to_review(browser, vase, basalt="express")
    assert "Pay €49.00" in words_of(review)
    pay(browser)
    assert "/pay/sandbox/" in browser.url
    assert "€49.00" in words_of(browser.response)
    card(browser, PAYS)
    order = Order.objects.get()
    assert order.state == Order.State.PLACED
    assert browser.url.startswith(f"{MALL}/orders/status/{order.uuid.hex}.0:")
    page = words_of(browser.response)
    assert "Thank you, Anna Byrne" in page
    assert order.consignments.get().number in page
    assert "To be packed" in page
    assert browser.response["Referrer-Policy"] == "same-origin"
    assert not Line.objects.exists()
    assert "Nothing in it yet" in words_of(browser.get(f"{MALL}/cart/"))


def test_bank_that_asks_first_is_answered(browser, vase):
    to_review(browser, vase)
    pay(browser)
    card(browser, SECURE)
    assert browser.url.endswith("/bank/")
    browser.post(browser.url, {"confirm": "1"})
    assert "Thank you" in words_of(browser.response)


def test_bank_that_refuses_leads_back_to_another_try(browser, vase):
    to_review(browser, vase)
    pay(browser)
    card(browser, SECURE)
    browser.post(browser.url, {"refuse": "1"})
    assert browser.url == f"{MALL}/checkout/review/"
    assert "nothing was charged" in words_of(browser.response)


def test_declined_card_then_another(browser, vase):
    to_review(browser, vase)
    pay(browser)
    card(browser, DECLINED)
    assert browser.url == f"{MALL}/checkout/review/"
    pay(browser)
    card(browser, PAYS)
    assert "Thank you" in words_of(browser.response)
    assert sorted(Payment.objects.values_list("state", flat=True)) == ["captured", "declined"]
    assert Order.objects.count() == 1


def test_payment_that_is_cancelled_charges_nothing(browser, vase):
    to_review(browser, vase)
    pay(browser)
    browser.post(browser.url, {"cancel": "1"})
    assert browser.url == f"{MALL}/checkout/review/"
    assert Charge.objects.get().state == Charge.State.CANCELLED


def test_card_that_is_no_test_card_is_refused_beside_its_field(browser, vase):
    to_review(browser, vase)
    pay(browser)
    response = card(browser, "1234")
    assert response.status_code == 422
    assert "No real card works here" in words_of(response)
    assert Charge.objects.get().state == Charge.State.OPEN


def test_notice_settles_what_the_browser_never_heard_of(browser, vase):
    to_review(browser, vase)
    pay(browser)
    assert card(browser, LOST).status_code == 504
    charge = Charge.objects.get()
    body = f'{{"type": "charge.captured", "reference": "{charge.reference}"}}'.encode()
    headers = signing.notice_headers("evt_1", body, timezone.now())
    shop_side = Client(headers={"host": f"{MASTER}:8000"}, enforce_csrf_checks=True)
    for _ in range(2):  # companies repeat themselves
        answer = shop_side.post("/checkout/webhook/sandbox/", body, content_type="application/json", headers=headers)
        assert answer.status_code == 204
    assert Order.objects.get().state == Order.State.PLACED
    assert "Thank you" in words_of(browser.get(f"{MALL}{Order.objects.get().get_absolute_url()}"))


def test_notice_that_is_forged_changes_nothing(browser, vase):
    to_review(browser, vase)
    pay(browser)
    card(browser, LOST)
    body = f'{{"reference": "{Charge.objects.get().reference}"}}'.encode()
    headers = signing.notice_headers("evt_1", body, timezone.now()) | {"webhook-signature": "v1,AAAA"}
    answer = Client(headers={"host": f"{MASTER}:8000"}).post(
        "/checkout/webhook/sandbox/", body, content_type="application/json", headers=headers
    )
    assert answer.status_code == 400
    assert Order.objects.get().state == Order.State.DRAFT


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b"7", b"[" * 100_000])
def test_notice_that_is_signed_and_no_json_is_refused(shop, body):
    headers = signing.notice_headers("evt_1", body, timezone.now())
    answer = Client(headers={"host": f"{MASTER}:8000"}).post(
        "/checkout/webhook/sandbox/", body, content_type="application/json", headers=headers
    )
    assert answer.status_code == 400


def test_return_address_in_another_browser_shows_nothing_of_the_buyer(browser, vase):
    to_review(browser, vase)
    pay(browser)
    card(browser, PAYS)
    returned = next(hop.url for hop in browser.hops if "/checkout/back/" in hop.url)
    stranger = BrowserClient()
    page = words_of(stranger.get(returned))

    assert "Thank you" in page
    assert Order.objects.get().number not in page
    assert ADDRESS["name"] not in page
    assert "/orders/status/" not in stranger.response.content.decode()


def test_return_that_is_forged_is_not_found(browser, vase):
    to_review(browser, vase)
    pay(browser)
    reference = Charge.objects.get().reference
    assert browser.get(f"{MALL}/checkout/back/sandbox/?reference={reference}&signature=no").status_code == 404
    assert browser.get(f"{MALL}/checkout/back/other/?reference={reference}&signature=no").status_code == 404


def test_status_page_waits_for_a_payment_that_is_open(browser, vase):
    to_review(browser, vase)
    pay(browser)
    page = words_of(browser.get(f"{MALL}{Order.objects.get().get_absolute_url()}"))
    assert "Waiting for your payment" in page


def test_second_press_of_pay_after_the_order_shows_the_order(browser, vase):
    review = to_review(browser, vase)
    first = hidden(review)
    pay(browser)
    card(browser, PAYS)
    fill_cart(browser, add_goods_again(vase))
    browser.post("/checkout/pay/", first)
    assert browser.url.startswith(f"{MALL}/orders/status/{Order.objects.get().uuid.hex}.0:")


def add_goods_again(variant):
    put_on_hand(variant, 10)
    return variant


def test_same_goods_bought_again_are_a_second_order(browser, vase):
    for _ in range(2):
        to_review(browser, vase)
        pay(browser)
        card(browser, PAYS)
    assert Order.objects.placed().count() == 2


def test_price_rise_is_asked_and_then_paid(browser, vase):
    to_review(browser, vase)
    vase.price = 4100
    vase.save()
    response = pay(browser)
    assert response.status_code == 409
    assert "rose from €40.00 to €41.00. The total is €44.00 now" in words_of(response)
    assert not Order.objects.exists()
    pay(browser)
    card(browser, PAYS)
    assert Order.objects.get().total == 4400


def test_last_piece_that_went_meanwhile_is_sold_out_in_plain_words(browser, vase):
    to_review(browser, vase)
    put_on_hand(vase, 0)
    response = pay(browser)
    assert response.status_code == 409
    assert "Sold out" in words_of(response)
    assert "Nothing was charged" in words_of(response)


def test_errors_stand_beside_the_fields_and_on_top_with_links(browser, vase):
    fill_cart(browser, vase)
    browser.get(f"{MALL}/checkout/")
    response = browser.post("/checkout/", ADDRESS | {"email": "anna", "town": ""})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'href="#id_email"' in page
    assert 'id="id_email_error"' in page
    assert 'aria-describedby="id_email_helptext id_email_error"' in page
    assert "Enter the town or city." in page
    assert 'value="1 Quay Street"' in page


def test_back_shows_what_was_typed(browser, vase):
    to_review(browser, vase, basalt="express")
    assert 'value="1 Quay Street"' in browser.get(f"{MALL}/checkout/").content.decode()
    assert re.search(r'value="express"\s+checked', browser.get(f"{MALL}/checkout/delivery/").content.decode())


def test_form_has_eight_fields_at_most_and_says_what_each_is_for(browser, vase):
    fill_cart(browser, vase)
    page = browser.get(f"{MALL}/checkout/").content.decode()
    form = page[page.index('action="/checkout/"') :]
    form = form[: form.index("</form>")]
    visible = [field for field in re.findall(r"<(?:input|select)[^>]*>", form) if 'type="hidden"' not in field]
    assert len(visible) <= 8
    tokens = {"email", "name", "address-line1", "address-line2", "address-level2", "postal-code", "country", "tel"}
    assert tokens == set(re.findall(r'autocomplete="([^"]+)"', form))


def test_steps_cannot_be_skipped(browser, vase):
    fill_cart(browser, vase)
    for step in ("delivery", "review"):
        browser.get(f"{MALL}/checkout/{step}/")
        assert browser.url == f"{MALL}/checkout/"


def test_delivery_that_a_vendor_does_not_offer_is_refused(browser, shop):
    lamp = add_goods(shop, "basalt", "Lamp")
    set_tariff(shop.vendors["basalt"], express_charge=None)
    fill_cart(browser, lamp)
    browser.get(f"{MALL}/checkout/")
    browser.post("/checkout/", ADDRESS)
    response = browser.post("/checkout/delivery/", {f"vendor-{lamp.product.vendor_id}": "express"})
    assert response.status_code == 422


def test_signed_in_person_has_an_address_book(browser, vase):
    anna = User.objects.create_user("anna@example.org", "mall-demo-1")
    client = Client(headers={"host": f"{MASTER}:8000"})
    client.force_login(anna)
    client.post("/cart/add/", {"variant": vase.pk, "quantity": 1})
    assert 'value="anna@example.org"' in client.get("/checkout/").content.decode()
    for _ in range(2):
        assert client.post("/checkout/", ADDRESS | {"keep": "on"}).status_code == 302
    book = Address.objects.get(user=anna)
    assert book.is_default
    assert book.town == "Galway"
    other = Address.objects.create(user=anna, name="Anna at work", line1="9 Mill Road", town="Cork")
    assert 'value="9 Mill Road"' in client.get(f"/checkout/?address={other.pk}").content.decode()
    client.post("/checkout/delivery/", {f"vendor-{vase.product.vendor_id}": "standard"})
    answer = client.post("/checkout/pay/", hidden(client.get("/checkout/review/")))
    assert answer.status_code == 303
    assert Order.objects.get().user == anna


def test_checkout_is_the_masters_alone(browser, vase):
    assert browser.get("http://amber.localhost:8000/checkout/").status_code == 404


def test_lapsed_checkout_begins_anew_without_a_word_lost(browser, vase):
    to_review(browser, vase)
    pay(browser)
    sweep_checkouts(now=later(minutes=20))
    assert order_of(Payment.objects.get()).state == Order.State.EXPIRED
    browser.get(f"{MALL}/checkout/review/")
    pay(browser)
    card(browser, PAYS)
    assert sorted(Order.objects.values_list("state", flat=True)) == ["expired", "placed"]


def test_status_link_is_signed(browser, vase):
    to_review(browser, vase)
    pay(browser)
    link = Order.objects.get().get_absolute_url()
    assert browser.get(f"{MALL}{link}").status_code == 200
    spoilt = link[:-2] + ("A" if link[-2] != "A" else "B") + "/"
    assert browser.get(f"{MALL}{spoilt}").status_code == 404
    assert browser.get(f"{MALL}/orders/status/{Order.objects.get().uuid.hex}/").status_code == 404


def test_status_page_queries_do_not_grow_with_the_consignments(
    browser, shop, vase, django_assert_max_num_queries, pay_with
):
    to_review(browser, vase, add_goods(shop, "basalt", "Bowl"))
    pay(browser)
    card(browser, PAYS)
    link = f"{MALL}{Order.objects.get().get_absolute_url()}"
    browser.get(link)
    with django_assert_max_num_queries(12):
        browser.get(link)


@pytest.mark.parametrize("step", ["", "delivery/", "review/"])
def test_step_costs_twelve_queries_at_most(browser, shop, vase, step, django_assert_max_num_queries):
    to_review(browser, vase, *(add_goods(shop, "basalt", f"Bowl {number}") for number in range(6)))
    with django_assert_max_num_queries(12):
        assert browser.get(f"{MALL}/checkout/{step}").status_code == 200
