"""The pages of staff: a vendor's order people for their own goods, the mall's for whole orders and transfers."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart.aftersale.models import Cancellation, Return
from cart.checkout.payments.manual.models import BackTransfer, Transfer
from cart.checkout.sweeping import make_refunds
from cart.orders.models import Consignment, Order, Refund
from mall.accounts.models import User
from tests.integration.checkout.test_transfers import order_by_transfer
from tests.support.html import words_of
from tests.support.shop import MASTER, visitor_with
from vendors.models import Membership


def client_of(user):
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


@pytest.fixture
def amber(shop):
    """The order people of amber."""
    user = User.objects.create_user("orders@example.org", "secret", is_staff=True)
    Membership.objects.create(user=user, vendor=shop.vendors["amber"], role="orders")
    return client_of(user)


@pytest.fixture
def mall(db):
    return client_of(User.objects.create_superuser("admin@example.org", "secret"))


def press(client, address, button, **fields):
    """Open a page and press a button, as a browser does; return the form and the words of the answer."""
    page = client.get(address)
    assert page.status_code == 200
    key = re.search(r'name="key" value="(\w+)"', page.content.decode())
    form = {"key": key[1] if key else "", "why": "Broken", "button": button} | fields
    return form, words_of(client.post(address, form, follow=True))


def test_order_people_cancel_their_own_pieces_once(sale, amber):
    consignment = sale.consignment("amber")
    start = amber.get(reverse("admin:orders_consignment_change", args=[consignment.pk])).content.decode()
    address = reverse("admin:aftersale_consignment", args=[consignment.pk])
    assert address in start
    form, answer = press(amber, address, "cancel", **{f"pieces-{sale.line('lamp').pk}": 2})
    assert "Cancelled the pieces" in answer
    amber.post(address, form)  # the double click
    assert Refund.objects.get().amount == 2000
    assert Cancellation.objects.get().user.email == "orders@example.org"
    assert "€20.00" in amber.get(address).content.decode()

    _, answer = press(amber, address, "cancel-all")
    assert sale.consignment("amber").state == Consignment.State.CANCELLED
    assert "Vase" not in answer


def test_mistakes_are_said_beside_the_form(sale, amber):
    address = reverse("admin:aftersale_consignment", args=[sale.consignment("amber").pk])
    lamp = f"pieces-{sale.line('lamp').pk}"
    for fields, words in (
        ({lamp: 9}, "less than or equal to 3"),
        ({}, "Name lines"),
        ({lamp: 1, "why": ""}, "Say why"),
    ):
        assert words in press(amber, address, "cancel", **fields)[1]
    assert "cannot be given back" in press(amber, address, "refund", amount="99.99")[1]
    assert not Refund.objects.exists()


def test_another_vendors_goods_and_whole_orders_are_out_of_reach(sale, amber):
    theirs = reverse("admin:aftersale_consignment", args=[sale.consignment("basalt").pk])
    whole = reverse("admin:aftersale_order", args=[sale.order.pk])
    form = {"key": "x", "why": "Mine", "button": "cancel-all"}
    assert [amber.get(theirs).status_code, amber.post(theirs, form).status_code] == [404, 404]
    assert [amber.get(whole).status_code, amber.post(whole, form).status_code] == [403, 403]
    ours = reverse("admin:aftersale_consignment", args=[sale.consignment("amber").pk])
    press(amber, ours, "cancel", **{f"pieces-{sale.line('vase').pk}": 1})
    catalogue = User.objects.create_user("catalogue@example.org", "secret", is_staff=True)
    Membership.objects.create(user=catalogue, vendor=sale.consignment("amber").vendor, role="catalogue")
    assert client_of(catalogue).get(ours).status_code == 403
    assert not Cancellation.objects.exists()


def test_return_goes_through_the_queue(sale, amber):
    Consignment.objects.update(state="sent", sent_at=timezone.now())
    address = reverse("admin:aftersale_consignment", args=[sale.consignment("amber").pk])
    press(amber, address, "return", **{f"pieces-{sale.line('lamp').pk}": 1})
    found = Return.objects.get()
    assert str(found.consignment) in amber.get(reverse("admin:aftersale_return_changelist")).content.decode()
    page = reverse("admin:aftersale_return_change", args=[found.pk])

    assert "Say why" in press(amber, page, "refuse", answer="")[1]
    press(amber, page, "accept", answer="To 1 Quay Street")
    found.refresh_from_db()
    assert (found.state, found.answer) == (Return.State.ACCEPTED, "To 1 Quay Street")
    assert 'value="refuse"' in amber.get(page).content.decode()
    press(amber, page, "sellable")
    assert "it cannot become" in press(amber, page, "damaged")[1]
    assert (Refund.objects.get().amount, sale.on_hand("lamp")) == (1000, 8)


def test_mall_cancels_and_refunds_a_whole_order(sale, mall):
    address = reverse("admin:aftersale_order", args=[sale.order.pk])
    assert address in mall.get(reverse("admin:orders_order_change", args=[sale.order.pk])).content.decode()
    _, answer = press(mall, address, "refund", amount="1.00")
    assert "€1.00 goes back" in answer
    press(mall, address, "cancel-all")
    assert sale.reload().state == Order.State.CANCELLED
    assert sorted(Refund.objects.values_list("amount", flat=True)) == [100, sale.order.total - 100]


def test_mall_marks_a_transfer_as_paid_and_one_as_given_back(shop, sale, mall):
    order, _ = order_by_transfer(visitor_with(shop, lamp=(sale.variants["lamp"], 1)))
    transfer = Transfer.objects.get()
    listed = reverse("admin:manual_gateway_transfer_changelist")
    data = {"action": "mark_paid", "_selected_action": transfer.pk}
    assert "the order is placed" in mall.post(listed, data, follow=True).content.decode()
    press(mall, reverse("admin:aftersale_order", args=[order.pk]), "cancel-all")
    refund = Refund.objects.get()
    assert refund.state == Refund.State.DUE
    make_refunds(timezone.now())
    back = BackTransfer.objects.get()
    data = {"action": "mark_made", "_selected_action": back.pk}
    mall.post(reverse("admin:manual_gateway_backtransfer_changelist"), data)
    refund.refresh_from_db()
    assert refund.state == Refund.State.MADE
