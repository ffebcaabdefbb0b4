"""An account's orders: its own and no other's, page by page, at the same price for one and for many."""

import gzip
import re
from itertools import chain

import pytest

from sessions_farm.tests.support.scale import counted
from tests.integration.accounts.conftest import client_of, make_order, make_orders, make_user
from tests.support.shop import add_vendor
from tests.support.two_vendors import make_marketplace

VENDORS = [f"vendor{place}" for place in range(10)]


def numbers(page):
    return re.findall(r"Order (M-\d+)</a>", page.text)


def test_it_lists_own_orders_only_with_links_to_their_pages(shop, anna, ben):
    mine, theirs = make_order(shop, user=anna), make_order(shop, user=ben, email="ben@example.org")
    page = client_of(anna).get("/orders/")
    assert numbers(page) == [mine.number]
    assert mine.get_absolute_url().rpartition(":")[0].rpartition(":")[0] in page.text
    assert theirs.number not in page.text
    assert client_of(anna).get(mine.get_absolute_url()).status_code == 200


def test_it_asks_to_sign_in(shop):
    answer = client_of().get("/orders/")
    assert answer.status_code == 302
    assert "next=/orders/" in answer["Location"]


@pytest.mark.parametrize("state", ["draft", "expired"])
def test_it_shows_no_order_that_never_was(shop, anna, state):
    order = make_order(shop, user=anna)
    order.state = state
    order.save()
    assert "No order yet" in client_of(anna).get("/orders/").text


def test_it_shows_no_order_of_another_community_whose_page_is_not_here(shop, anna):
    other = make_marketplace("bazaar", "bazaar.localhost")
    make_order(shop, user=anna, marketplace=other)
    assert numbers(client_of(anna).get("/orders/")) == []


def test_pages_follow_one_another_without_a_gap(shop, anna):
    made = [order.number for order in make_orders(shop, 45, user=anna)]
    client, address, seen = client_of(anna), "/orders/", []
    while address:
        page = client.get(address)
        seen.append(numbers(page))
        found = re.search(r'href="(\?after=[^"]+)"', page.text)
        address = found and f"/orders/{found[1]}"
    assert [len(each) for each in seen] == [20, 20, 5]
    assert [*chain(*seen)] == made[::-1]


def test_a_number_of_another_s_order_leads_nowhere(shop, anna, ben):
    mine = make_order(shop, user=anna)
    theirs = make_order(shop, user=ben)
    page = client_of(anna).get("/orders/", {"after": theirs.number})
    assert mine.number not in page.text
    assert "no older orders" in page.text


def test_orders_of_ten_parcels_are_12_queries_and_light_pages(shop, anna, scale, django_assert_max_num_queries):
    """At SCALE=10, 500 orders."""
    for slug in VENDORS:
        add_vendor(shop, slug)
    made = [order.number for order in make_orders(shop, 20 + counted(480, scale), user=anna, vendors=VENDORS)]
    client = client_of(anna)
    client.get("/orders/")
    for path, query in (("/orders/", {}), ("/orders/", {"after": made[2]}), ("/accounts/", {})):
        with django_assert_max_num_queries(12):
            page = client.get(path, query)
        assert len(gzip.compress(page.content)) <= 25_000


def test_home_greets_and_leads_to_each_room(shop, anna):
    mine = make_order(shop, user=anna)
    page = client_of(anna).get("/accounts/").text
    assert "Hello, Anna" in page
    assert mine.number in page
    for path in ("/orders/", "/accounts/name/", "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/",
                 "/accounts/devices/", "/accounts/data/", "/accounts/addresses/add/", "/accounts/logout/"):  # fmt: skip
        assert f'href="{path}"' in page


PAGES = [
    "/accounts/", "/orders/", "/orders/claim/", "/accounts/addresses/", "/accounts/addresses/add/", "/accounts/name/",
    "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/devices/", "/accounts/data/",
    "/accounts/data/export/", "/accounts/data/delete/", "/accounts/logout/",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_each_page_marks_where_one_is_in_the_menu(shop, anna, path):
    page = client_of(anna).get(path)
    assert page.status_code == 200
    assert page.text.count('aria-current="page"') == 1


@pytest.mark.parametrize("path", PAGES)
def test_no_page_is_a_stranger_s(shop, path):
    answer = client_of().get(path)
    assert answer.status_code == 302


def test_name_is_changed(shop, anna):
    client = client_of(anna)
    answer = client.post("/accounts/name/", {"name": "Anna B.", "email": "x@example.org", "is_staff": "on"})
    assert answer.status_code == 302
    anna.refresh_from_db()
    assert (anna.name, anna.email, anna.is_staff) == ("Anna B.", "anna@example.org", False)


def test_password_managers_find_the_page_of_the_password(shop, anna):
    answer = client_of(anna).get("/.well-known/change-password")
    assert answer["Location"] == "/accounts/password/change/"


def test_bar_of_every_host_leads_to_the_account(shop, anna):
    for host in ("mall.localhost:8000", "amber.localhost:8000"):
        page = client_of(anna, host=host).get("/", headers={"user-agent": "curl"}).text
        assert re.search(r'href="(http://mall.localhost:8000)?/accounts/"', page), host


def test_accounts_made_by_staff_have_pages_too(shop):
    user = make_user("packer@example.org", is_staff=True)
    assert client_of(user).get("/accounts/").status_code == 200
