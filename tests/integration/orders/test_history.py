import pytest
from django.test import Client

from cart.orders.models import Consignment
from mall.accounts.models import User
from tests.support.two_vendors import MASTER, make_marketplace, make_side


@pytest.fixture
def orders(db):
    marketplace = make_marketplace()
    sides = [make_side(mark, marketplace) for mark in ("Amber", "Basalt")]
    return [side.rows[Consignment].order for side in sides]


def client_of(user=None):
    client = Client(headers={"host": MASTER})
    if user:
        client.force_login(user)
    return client


def test_history_lists_own_orders_only(orders):
    mine, theirs = orders
    anna = User.objects.create_user("anna@example.org", "mall-demo-1")
    mine.user = anna
    mine.save()
    page = client_of(anna).get("/orders/").content.decode()
    assert mine.number in page
    assert f"/orders/status/{mine.uuid.hex}:" in page
    assert theirs.number not in page


def test_history_asks_to_sign_in(orders):
    answer = client_of().get("/orders/")
    assert answer.status_code == 302
    assert "next=/orders/" in answer["Location"]


def test_history_shows_no_draft(orders):
    anna = User.objects.create_user("anna@example.org", "mall-demo-1")
    mine = orders[0]
    mine.user, mine.state = anna, "draft"
    mine.save()
    assert "No order yet" in client_of(anna).get("/orders/").content.decode()


def test_history_costs_the_same_for_one_order_and_for_many(orders, django_assert_max_num_queries):
    anna = User.objects.create_user("anna@example.org", "mall-demo-1")
    client = client_of(anna)
    for order in orders:
        order.user = anna
        order.save()
    client.get("/orders/")
    with django_assert_max_num_queries(12):
        client.get("/orders/")
