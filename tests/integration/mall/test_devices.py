"""Where a person is signed in: their own browsers and nobody else's, and each can be signed out from another."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.shop import make_shop

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_client")]

HOST = {"HTTP_HOST": "mall.localhost:8000"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna@example.org", "mall-demo")


@pytest.fixture
def ben(django_user_model):
    return django_user_model.objects.create_user("ben@example.org", "mall-demo")


def signed_in(user, browser):
    client = Client(HTTP_USER_AGENT=browser)
    client.post(
        reverse("account_login"),
        {"login": user.email, "password": "mall-demo"},
        follow=False,
        **HOST,
    )
    return client


def page(client):
    return client.get(reverse("devices"), **HOST)


def devices(client):
    return page(client).context["devices"]


def test_page_lists_ones_own_browsers(anna, ben):
    here, phone, _ = signed_in(anna, FIREFOX), signed_in(anna, IPHONE), signed_in(ben, FIREFOX)
    found = devices(here)
    assert [one["name"] for one in found] == ["Firefox on Linux", "Safari on an iPhone"]
    assert [one["is_here"] for one in found] == [True, False]
    assert [one["name"] for one in devices(phone)] == ["Safari on an iPhone", "Firefox on Linux"]


def test_stranger_sees_no_page(anna):
    assert page(Client()).status_code == 302


def test_another_browser_is_signed_out_and_this_one_is_not(anna):
    here, phone = signed_in(anna, FIREFOX), signed_in(anna, IPHONE)
    here.post(reverse("end_device"), {"handle": devices(here)[1]["session"].handle}, **HOST)
    assert len(devices(here)) == 1
    assert page(phone).status_code == 302


def test_everywhere_else_is_one_button(anna, ben):
    here, others, stranger = (
        signed_in(anna, FIREFOX),
        [signed_in(anna, IPHONE) for _ in range(3)],
        signed_in(ben, IPHONE),
    )
    here.post(reverse("end_device"), **HOST)
    assert [page(client).status_code for client in (here, *others, stranger)] == [200, 302, 302, 302, 200]


def test_sessions_of_others_cannot_be_ended(anna, ben):
    here, stranger = signed_in(anna, FIREFOX), signed_in(ben, IPHONE)
    here.post(reverse("end_device"), {"handle": devices(stranger)[0]["session"].handle}, **HOST)
    assert page(stranger).status_code == 200
