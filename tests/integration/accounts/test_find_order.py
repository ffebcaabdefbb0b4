"""Find my order: it answers alike, in like time, and mails the link to the order's own address alone."""

import re
import time

import pytest
from django.core import mail

from cart.letters import sending
from cart.letters.models import Letter
from cart.orders.models import Order
from mall.accounts import order_views
from tests.integration.accounts.conftest import client_of, make_order
from tests.support.two_vendors import make_marketplace

FIND = "/orders/find/"


def ask(number, email, client=None):
    client = client or client_of()
    began = time.perf_counter()
    answer = client.post(FIND, {"number": number, "email": email})
    took = time.perf_counter() - began
    return (answer.status_code, answer.get("Location"), plain(client.get(answer["Location"]).text)), took


def plain(page):
    return re.sub(r'(name="csrfmiddlewaretoken" value|nonce|content)="[^"]*"', "", page)


def test_found_or_not_the_answer_is_the_same_and_takes_as_long(shop, settings):
    settings.DEMO = False
    order = make_order(shop)
    answers = [
        ask(order.number, "anna@example.org"),
        ask(order.number, "ben@example.org"),
        ask("M-NONE", "anna@example.org"),
        ask("M-NONE", "ben@example.org"),
    ]
    assert len({seen for seen, _ in answers}) == 1
    assert all(took >= order_views.SECONDS_TO_ANSWER for _, took in answers)


@pytest.mark.parametrize("email", ["ben@example.org", "anna@example.org.uk", "nna@example.org"])
def test_number_alone_mails_nothing(shop, email):
    order = make_order(shop)
    ask(order.number, email)
    assert not Letter.objects.exists()


def test_letter_goes_to_the_order_s_own_address_with_a_link_that_opens_it(shop):
    order = make_order(shop)
    ask(f" {order.number.lower()} ", "ANNA@example.org")
    sending.send_due_letters()
    (letter,) = mail.outbox
    assert letter.to == ["anna@example.org"]
    link = next(line for line in letter.body.splitlines() if "/orders/status/" in line).partition(": ")[2]
    assert order.number in client_of().get(link).text


@pytest.mark.usefixtures("mid_hour")
def test_asked_twice_one_letter_is_sent(shop):
    order = make_order(shop)
    for _ in range(2):
        ask(order.number, "anna@example.org")
    assert Letter.objects.count() == 1


def test_link_letter_of_a_claimed_order_opens_it_for_its_own_address_only(shop, anna):
    order = make_order(shop, email="anna@example.org", user=anna, link_version=4)
    ask(order.number, "anna@example.org")
    sending.send_due_letters()
    link = next(line for line in mail.outbox[0].body.splitlines() if "/orders/status/" in line).partition(": ")[2]
    assert client_of().get(link).status_code == 200


@pytest.mark.parametrize("why", ["draft", "expired", "another community"])
def test_what_is_no_order_here_is_not_found(shop, why):
    order = make_order(shop)
    if why == "another community":
        Order.objects.update(marketplace=make_marketplace("bazaar", "bazaar.localhost"))
    else:
        Order.objects.update(state=why)
    ask(order.number, "anna@example.org")
    assert not Letter.objects.exists()


def test_a_network_can_try_ten_numbers_an_hour(shop):
    client = client_of(address="203.0.113.9")
    for _ in range(10):
        assert client.post(FIND, {"number": "M-1", "email": "a@example.org"}).status_code == 303
    order = make_order(shop)
    refused = client.post(FIND, {"number": order.number, "email": "anna@example.org"})
    assert refused.status_code == 429
    assert not Letter.objects.exists()
    assert client_of(address="203.0.113.10").post(
        FIND, {"number": order.number, "email": "anna@example.org"}
    ).status_code == 303  # fmt: skip


def test_typing_errors_are_said_beside_their_fields(shop):
    answer = client_of().post(FIND, {"number": "", "email": "anna"})
    assert answer.status_code == 422
    assert "Enter the number of the order." in answer.text
    assert "Write it like name@example.org." in answer.text


def test_every_page_leads_to_it(shop):
    for host in ("mall.localhost:8000", "amber.localhost:8000"):
        page = client_of(host=host).get("/", headers={"user-agent": "curl"}).text
        assert re.search(r'href="(http://mall.localhost:8000)?/orders/find/"', page), host
