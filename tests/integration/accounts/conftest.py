"""A small mall with people, and orders as they made them."""

import itertools

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from cart.orders.models import Consignment, Order, OrderLine
from mall.accounts.models import User
from tests.support.shop import ADDRESS, MASTER, make_shop

PASSWORD = "mall-demo-1"
_numbers = itertools.count(100)


@pytest.fixture
def shop(db, redis_client):
    return make_shop()


def make_user(email, *, confirmed=True, **fields) -> User:
    user = User.objects.create_user(email, PASSWORD, **fields)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=confirmed)
    return user


def client_of(user=None, host=f"{MASTER}:8000", address="203.0.113.7") -> Client:
    client = Client(headers={"host": host}, REMOTE_ADDR=address)
    if user:
        client.force_login(user)
    return client


def make_order(shop, **fields) -> Order:
    """A placed order with a consignment of each vendor, in a state."""
    return make_orders(shop, 1, **fields)[0]


def make_orders(shop, number, *, user=None, email="anna@example.org", state="open", vendors=("amber",), **fields):
    """Several, the oldest first."""
    now, amount = timezone.now(), 1000 * len(vendors)
    common = ADDRESS | {
        "marketplace": shop.marketplace, "user": user, "email": email, "phone": "091 1", "state": "placed",
        "currency": "EUR", "goods_total": amount, "total": amount, "placed_at": now,
    }  # fmt: skip
    names = [f"M-{next(_numbers)}" for _ in range(number)]
    orders = Order.objects.bulk_create(
        Order(**common | {"number": name, "idempotency_key": name} | fields) for name in names
    )
    consignments = Consignment.objects.bulk_create(
        Consignment(
            order=order, vendor=shop.vendors[slug], number=f"{order.number}-{place}", state=state, goods_total=1000,
            placed_at=now, sent_at=now if state in {"sent", "delivered"} else None,
        )
        for order in orders
        for place, slug in enumerate(vendors)
    )  # fmt: skip
    OrderLine.objects.bulk_create(
        OrderLine(consignment=each, sku="1", name="Lamp", quantity=1, unit_price=1000) for each in consignments
    )
    return orders


@pytest.fixture
def anna(shop):
    return make_user("anna@example.org", name="Anna Byrne")


@pytest.fixture
def ben(shop):
    return make_user("ben@example.org", name="Ben Roe")
