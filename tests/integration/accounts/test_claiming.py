"""Orders of guests: claimed for an address that is confirmed now, by a click, and by nobody else."""

import pytest
from allauth.account.models import EmailAddress

from cart.orders.models import Order
from tests.integration.accounts.conftest import client_of, make_order, make_user
from tests.support.html import words_of
from tests.support.two_vendors import make_marketplace

CLAIM = "/orders/claim/"


def owner_of(order):
    return Order.objects.values_list("user__email", flat=True).get(pk=order.pk)


def test_guest_s_orders_are_listed_and_become_the_account_s_by_a_click(shop, anna):
    first, second = make_order(shop, email="Anna@Example.org"), make_order(shop)
    client = client_of(anna)
    assert "2 orders were made with your address" in " ".join(client.get("/accounts/").text.split())
    page = client.get(CLAIM).text
    assert first.number in page
    assert second.number in page
    client.post(CLAIM, {"number": [first.number]})  # the other one is not ticked
    assert (owner_of(first), owner_of(second)) == ("anna@example.org", None)
    assert first.number in client.get("/orders/").text


def test_nothing_is_claimed_by_looking(shop, anna):
    order = make_order(shop)
    client_of(anna).get(CLAIM)
    assert owner_of(order) is None


def test_links_that_were_mailed_before_end_and_show_nothing(shop, anna):
    order = make_order(shop)
    mailed = order.get_absolute_url()
    reader = client_of()
    assert order.number in reader.get(mailed).text
    client_of(anna).post(CLAIM, {"number": [order.number]})
    over = reader.get(mailed)
    assert over.status_code == 410
    for word in (order.number, "Anna", "Lamp", "Quay"):
        assert word not in words_of(over)  # in its tags are keys, which may have four letters by chance
    order.refresh_from_db()
    assert client_of(anna).get(order.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("why", ["unconfirmed", "another's address", "no longer one's own"])
def test_another_account_sees_and_claims_none(shop, anna, why):
    order = make_order(shop)
    stranger = make_user("ben@example.org")
    match why:
        case "unconfirmed":
            EmailAddress.objects.create(user=stranger, email="anna@example.org", verified=False)
        case "no longer one's own":
            EmailAddress.objects.create(user=stranger, email="anna@example.net", verified=True)
            Order.objects.update(email="anna@example.net")
            EmailAddress.objects.filter(email="anna@example.net").delete()
    client = client_of(stranger)
    assert order.number not in client.get(CLAIM).text
    assert "were made with your address" not in client.get("/orders/").text
    client.post(CLAIM, {"number": [order.number]})
    assert owner_of(order) is None


def test_orders_of_another_account_are_never_claimed(shop, anna, ben):
    order = make_order(shop, user=ben)  # he typed her address
    client = client_of(anna)
    assert order.number not in client.get(CLAIM).text
    client.post(CLAIM, {"number": [order.number]})
    assert owner_of(order) == "ben@example.org"


@pytest.mark.parametrize("state", ["draft", "expired"])
def test_orders_that_never_were_are_not_claimed(shop, anna, state):
    order = make_order(shop)
    Order.objects.update(state=state)
    client_of(anna).post(CLAIM, {"number": [order.number]})
    assert owner_of(order) is None


def test_orders_of_another_community_are_claimed_there(shop, anna):
    order = make_order(shop, marketplace=make_marketplace("bazaar", "bazaar.localhost"))
    client_of(anna).post(CLAIM, {"number": [order.number]})
    assert owner_of(order) is None


def test_second_click_does_no_harm(shop, anna):
    order = make_order(shop)
    client = client_of(anna)
    for _ in range(2):
        client.post(CLAIM, {"number": [order.number]})
    order.refresh_from_db()
    assert (order.user_id, order.link_version) == (anna.pk, 1)
