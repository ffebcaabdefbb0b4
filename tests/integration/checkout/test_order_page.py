"""The order's page when a checkout ended otherwise than placed, and when its link has run out."""

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.placing import expire_order
from cart.letters import sending
from cart.orders.models import Order, Payment
from tests.support.html import words_of
from tests.support.shop import MASTER, add_goods, begin, order_of, put_on_hand, visitor_with

NOTHING = "nothing was charged"


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=9)


@pytest.fixture
def payment(shop, lamp):
    return begin(visitor_with(shop, lamp=(lamp, 1)))


@pytest.fixture
def client():
    return Client(headers={"host": f"{MASTER}:8000"}, enforce_csrf_checks=True)


def settle(payment):
    finalise(payment=payment, now=timezone.now())


def page_of(client, payment) -> str:
    return words_of(client.get(order_of(payment).get_absolute_url()))


def test_order_that_nobody_paid_says_that_nothing_was_charged(client, payment):
    """The control of the others: here it is true."""
    expire_order(order_of(payment), timezone.now())
    Payment.objects.update(state=Payment.State.DECLINED)
    assert NOTHING in page_of(client, payment)


@pytest.mark.parametrize(
    ("state", "words"), [("refund_due", "€14.50 goes back"), ("refunded", "€14.50 was given back")]
)
@pytest.mark.parametrize("order_state", [Order.State.DRAFT, Order.State.EXPIRED, Order.State.CANCELLED])
def test_payment_that_was_returned_is_never_called_no_payment(client, payment, order_state, state, words):
    Order.objects.update(state=order_state)
    Payment.objects.update(state=state)
    page = page_of(client, payment)

    assert words in page
    assert NOTHING not in page


def test_second_payment_leads_to_the_order_that_stays(client, shop, lamp, pay_with):
    visitor = visitor_with(shop, lamp=(lamp, 1))
    first = begin(visitor)
    second = begin(visitor, line1="2 Quay Street")
    pay_with(second)
    settle(second)
    assert f"order {order_of(second).number}" in page_of(client, first)
    Charge.objects.filter(reference=first.reference).update(state=Charge.State.CAPTURED)
    Payment.objects.filter(pk=first.pk).update(state=Payment.State.STARTED)
    settle(first)
    page = page_of(client, first)

    assert "You had paid already" in page
    assert f"order {order_of(second).number}" in page


def test_sold_out_while_paying_is_told_on_the_page(client, payment, lamp, pay_with):
    pay_with(payment)
    expire_order(order_of(payment), timezone.now())
    put_on_hand(lamp, 0)
    settle(payment)
    page = page_of(client, payment)

    assert "Sold out while you were paying" in page
    assert "€14.50 was given back" in page


@pytest.mark.usefixtures("mid_hour")
def test_link_that_ran_out_shows_nothing_and_is_renewed_by_mail_to_the_order_s_address(client, payment, settings):
    settings.ORDER_LINK_DAYS = 0
    path = order_of(payment).get_absolute_url()
    answer = client.get(path)
    page = words_of(answer)
    assert answer.status_code == 410
    for word in (order_of(payment).number, "Anna", "Lamp", "Quay", "example.org"):
        assert word not in page

    token = answer.context["csrf_token"]
    for _ in range(2):  # pressed twice: one letter
        asked = client.post(path, {"csrfmiddlewaretoken": str(token)}, follow=True)
        assert "on its way" in words_of(asked)
    sending.send_due_letters()
    (letter,) = mail.outbox
    assert letter.to == ["anna@example.org"]

    settings.ORDER_LINK_DAYS = 30
    link = next(line for line in letter.body.splitlines() if "/orders/status/" in line).partition(": ")[2]
    assert order_of(payment).number in words_of(client.get(link))


def test_link_that_ran_out_cannot_be_renewed_by_another_site_s_form(client, payment, settings):
    settings.ORDER_LINK_DAYS = 0
    assert client.post(order_of(payment).get_absolute_url()).status_code == 403
