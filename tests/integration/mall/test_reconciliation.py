"""Four lists that are empty after a sweep, each with a fault that it shows."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Order, Payment
from mall import reconciliation
from mall.accounts.models import User
from shipping.models import Dispatch
from tests.integration.checkout.conftest import pay_with, shop  # noqa: F401 -- pytest finds them here
from tests.support.shop import MASTER, add_goods, begin, later, visitor_with


@pytest.fixture
def payment(shop, pay_with):  # noqa: F811 -- the fixtures
    payment = begin(visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1)))
    pay_with(payment)
    return payment


@pytest.fixture
def placed(payment):
    finalise(payment=payment, now=timezone.now())
    return payment


def lists(now=None):
    """How many rows each list has."""
    now = now or timezone.now()
    since = now - reconciliation.PERIOD
    charges = reconciliation.captured_charges(since)
    return (
        len(reconciliation.charges_without_payment(charges, now)),
        len(reconciliation.payments_without_charge(charges, since)),
        reconciliation.paid_without_order(now).count(),
        reconciliation.orders_without_dispatch().count(),
    )


def test_all_is_well(placed):
    assert lists() == (0, 0, 0, 0)


def test_charge_that_nobody_settled_is_on_the_list_until_a_sweep(payment):
    assert lists() == (0, 0, 0, 0)  # the browser may be on its way
    assert lists(later(minutes=1)) == (1, 0, 0, 0)
    sweep_checkouts(now=later(minutes=1))
    assert lists(later(minutes=1)) == (0, 0, 0, 0)


def test_charge_of_a_declined_payment(payment):
    Payment.objects.update(state=Payment.State.DECLINED)
    assert lists() == (1, 0, 0, 0)
    sweep_checkouts(now=later(minutes=1))
    assert lists() == (0, 0, 0, 0)


def test_charge_that_no_payment_names(placed):
    Charge.objects.create(
        reference="theirs", shop="x", amount=5, currency="EUR", state="captured", settled_at=timezone.now()
    )
    assert lists() == (1, 0, 0, 0)


def test_charge_of_another_amount(placed):
    Charge.objects.update(amount=1)
    assert lists() == (1, 0, 0, 0)


def test_payment_whose_charge_is_gone(placed):
    Charge.objects.update(state=Charge.State.REFUNDED)
    assert lists() == (0, 1, 0, 0)


def test_payment_whose_order_is_not_placed(placed):
    Order.objects.update(state=Order.State.CANCELLED)
    assert lists() == (0, 0, 1, 0)
    Payment.objects.update(refund_total=placed.amount)
    assert lists() == (0, 0, 0, 0)
    Payment.objects.update(state=Payment.State.REFUND_DUE, settled_at=timezone.now() - timedelta(days=2))
    assert lists() == (0, 0, 1, 0)


def test_order_of_which_no_department_hears(placed):
    Dispatch.objects.update(state="cancelled")
    assert lists() == (0, 0, 0, 1)


def test_page_is_the_malls_and_reached_from_the_admins_home(payment):
    client = Client(headers={"host": MASTER})
    client.force_login(User.objects.create_superuser("admin@example.org", "secret"))
    address = reverse("admin:reconciliation")
    money = reverse("admin:orders_refund_changelist")  # the first page of its group in the menu
    assert f'href="{money}"' in client.get(reverse("admin:index")).text
    assert f'href="{address}"' in client.get(money).text
    Payment.objects.update(state=Payment.State.DECLINED)
    assert re.findall(r"<h2>(?:Charge|Payment|Paid|Order)[^:]*: (\d)", client.get(address).content.decode()) == [
        "1", "0", "0", "0",
    ]  # fmt: skip
    assert "Swept:" in client.post(address, follow=True).content.decode()
    assert Order.objects.get().state == Order.State.PLACED

    staff = Client(headers={"host": MASTER})
    staff.force_login(User.objects.create_user("staff@example.org", "secret", is_staff=True))
    assert staff.get(address).status_code == 403
