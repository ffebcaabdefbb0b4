"""Two presses of "Log in" in the mall: signed in once, with the cart, whichever answer the browser drops."""

import threading

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from cart.models import Line
from sessions_farm.communities.models import Visitor
from tests.support.shop import add_goods, make_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

HOST = {"HTTP_HOST": "mall.localhost:8000"}
PASSWORD = "correct horse"


@pytest.fixture
def vase(monkeypatch):
    """In a mall where sign-ins queue for a row as long as a crowded machine lets them."""
    monkeypatch.setattr("cart.transactions.LOCK_TIMEOUT", "60s")
    return add_goods(make_shop(), "basalt", "Vase")


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna@example.org", PASSWORD)


@pytest.fixture
def browser(vase):
    client = Client(**HOST)
    client.post("/cart/add/", {"variant": vase.pk, "quantity": 1, "next": "/cart/"})
    return client


def copy(client):
    """Another request of the same browser, under way at once."""
    other = Client(**HOST)
    other.cookies.update(client.cookies)
    return other


def press(client, user):
    return client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD}).status_code


def assert_signed_in_with_the_cart(client, user):
    page = client.get("/cart/")
    assert page.context["user"] == user
    assert "Vase" in page.content.decode()
    assert [line.cart.visitor.user for line in Line.objects.select_related("cart__visitor__user")] == [user]


def test_cart_is_there_though_the_first_answer_was_dropped(browser, anna):
    assert press(copy(browser), anna) == 302
    assert press(browser, anna) == 302
    assert_signed_in_with_the_cart(browser, anna)
    assert Visitor.objects.filter(user=anna).count() == 1


def test_both_answers_of_two_presses_at_once_are_of_one_session(browser, anna):
    presses, answers = [copy(browser) for _ in range(2)], []

    def send(client):
        try:
            answers.append(press(client, anna))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send, args=[client]) for client in presses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [302, 302]
    for client in presses:
        assert_signed_in_with_the_cart(client, anna)
    assert len({client.cookies["sessionid"].value for client in presses}) == 1


def test_cart_of_another_person_is_left_alone(browser, anna, django_user_model):
    """A planted id: its planter logs in a moment after the victim, and gets neither the session nor the cart."""
    planter, ben = copy(browser), django_user_model.objects.create_user("ben@example.org", PASSWORD)
    press(browser, anna)
    assert press(planter, ben) == 400
    assert 'class="empty"' in planter.get("/cart/").content.decode()
    assert_signed_in_with_the_cart(browser, anna)
