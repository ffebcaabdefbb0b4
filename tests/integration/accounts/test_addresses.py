"""The address book: one's own, one default as long as there is any, and the checkout begins with it."""

import pytest

from cart.orders import services
from cart.orders.models import Address
from tests.integration.accounts.conftest import client_of
from tests.support.html import form_data
from tests.support.shop import ADDRESS, add_goods

BOOK = "/accounts/addresses/"
FIELDS = {name: value for name, value in ADDRESS.items() if name != "email"}


def keep(user, **fields):
    return services.save_address(user=user, fields=FIELDS | fields)


def lines(user):
    entries = Address.objects.filter(user=user).order_by("pk")
    return [(entry.line1, entry.is_default) for entry in entries]


def test_first_address_becomes_the_default(shop, anna):
    client = client_of(anna)
    for line1 in ("1 Quay Street", "2 Hill Road"):
        data = form_data(client.get(f"{BOOK}add/")) | FIELDS | {"line1": line1}
        assert client.post(f"{BOOK}add/", data)["Location"] == BOOK
    assert lines(anna) == [("1 Quay Street", True), ("2 Hill Road", False)]


def test_address_is_changed(shop, anna):
    entry = keep(anna)
    client = client_of(anna)
    data = form_data(client.get(f"{BOOK}{entry.pk}/"))
    assert data["line1"] == "1 Quay Street"
    client.post(f"{BOOK}{entry.pk}/", data | {"line1": "3 Mill Lane"})
    assert lines(anna) == [("3 Mill Lane", True)]


def test_address_that_became_another_is_kept_once(shop, anna):
    first, second = keep(anna), keep(anna, line1="2 Hill Road")
    client_of(anna).post(f"{BOOK}{first.pk}/", FIELDS | {"line1": "2 Hill Road"})
    assert lines(anna) == [("2 Hill Road", True)]
    assert Address.objects.get() == second


def test_default_moves_and_the_checkout_begins_with_it(shop, anna):
    lamp = add_goods(shop, "amber", "Lamp")
    keep(anna)
    second = keep(anna, line1="2 Hill Road")
    client = client_of(anna)
    client.post(f"{BOOK}{second.pk}/default/")
    assert lines(anna) == [("1 Quay Street", False), ("2 Hill Road", True)]
    client.post("/cart/add/", {"variant": lamp.pk, "quantity": 1})
    assert form_data(client.get("/checkout/"))["line1"] == "2 Hill Road"


def test_after_the_default_the_oldest_becomes_it(shop, anna):
    first = keep(anna)
    keep(anna, line1="2 Hill Road")
    keep(anna, line1="3 Mill Lane")
    client = client_of(anna)
    client.post(f"{BOOK}{first.pk}/remove/")
    assert lines(anna) == [("2 Hill Road", True), ("3 Mill Lane", False)]


@pytest.mark.parametrize("way", ["", "default/", "remove/"])
def test_another_account_can_do_nothing_with_an_entry(shop, anna, ben, way):
    entry = keep(anna)
    keep(ben, line1="9 Bridge")
    client = client_of(ben)
    assert client.post(f"{BOOK}{entry.pk}/{way}", FIELDS | {"line1": "Mine"}).status_code == 404
    assert client.get(f"{BOOK}{entry.pk}/").status_code == 404
    assert "1 Quay Street" not in client.get(BOOK).text
    assert lines(anna) == [("1 Quay Street", True)]


def test_address_that_is_wrong_is_said_beside_its_field(shop, anna):
    answer = client_of(anna).post(f"{BOOK}add/", FIELDS | {"town": ""})
    assert answer.status_code == 422
    assert "Enter the town or city." in answer.text
    assert not Address.objects.exists()


def test_full_book_is_said(shop, anna):
    for place in range(services.MOST_ADDRESSES):
        keep(anna, line1=str(place))
    answer = client_of(anna).post(f"{BOOK}add/", FIELDS)
    assert answer.status_code == 422
    assert "room for 50 addresses" in answer.text


def test_full_book_stops_no_checkout(shop, anna):
    lamp = add_goods(shop, "amber", "Lamp")
    for place in range(services.MOST_ADDRESSES):
        keep(anna, line1=str(place))
    client = client_of(anna)
    client.post("/cart/add/", {"variant": lamp.pk, "quantity": 1})
    answer = client.post("/checkout/", ADDRESS | {"keep": "on"})
    assert answer["Location"] == "/checkout/delivery/"
