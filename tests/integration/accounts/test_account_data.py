"""The data of an account: its download and its end, both after the password; orders stay, without their buyers."""

import json
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from auditlog.models import LogEntry
from django.db import connection
from django.utils import timezone

from cart.aftersale.models import Return
from cart.letters.models import Letter
from cart.orders import erasure, services
from cart.orders.models import Address, Consignment, Order, Payment, Refund
from mall.accounts.models import User
from sessions_farm.communities.models import Visitor
from sessions_farm.session import queries
from shipping.models import Dispatch
from tests.integration.accounts.conftest import PASSWORD, client_of, make_order, make_user
from tests.support.checkout_walk import PAYS, Shopper
from tests.support.shop import ADDRESS, add_goods
from vendors.models import Membership

EXPORT, DELETE = "/accounts/data/export/", "/accounts/data/delete/"
PERSONAL = ("name", "line1", "line2", "postcode", "town", "email", "phone", "network")
LATER = timedelta(days=91)


def sign_in(user, address="203.0.113.7"):
    client = client_of(address=address)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    return client


def delete(user, password=PASSWORD):
    return client_of(user).post(DELETE, {"password": password})


def personal(order):
    return {name: value for name, value in Order.objects.values(*PERSONAL).get(pk=order.pk).items() if value}


def test_download_holds_what_the_account_has_and_nobody_else_s(shop, anna, ben):
    mine = make_order(shop, user=anna, vendors=("amber", "basalt"))
    theirs = make_order(shop, user=ben, email="ben@example.org")
    services.save_address(user=anna, fields={name: text for name, text in ADDRESS.items() if name != "email"})
    lamp = add_goods(shop, "amber", "Lamp")
    client = sign_in(anna)
    client.post("/cart/add/", {"variant": lamp.pk, "quantity": 2})
    answer = client.post(EXPORT, {"password": PASSWORD})
    assert answer["Content-Disposition"].startswith('attachment; filename="account-')
    data = json.loads(answer.content)
    assert data["account"]["email"] == "anna@example.org"
    assert [each["email"] for each in data["mail_addresses"]] == ["anna@example.org"]
    assert [each["line1"] for each in data["addresses"]] == ["1 Quay Street"]
    assert [each["number"] for each in data["orders"]] == [mine.number]
    assert data["orders"][0]["total"] == "20.00"
    assert [each["shop"] for each in data["orders"][0]["consignments"]] == ["Amber", "Basalt"]
    assert [each["quantity"] for each in data["cart"]] == [2]
    assert len(data["devices"]) == 1
    assert theirs.number not in answer.text
    assert "ben@example.org" not in answer.text


def test_download_costs_the_same_for_one_order_and_for_many(shop, anna, django_assert_max_num_queries):
    for _ in range(5):
        make_order(shop, user=anna, vendors=("amber", "basalt"))
    client = client_of(anna)
    with django_assert_max_num_queries(26):
        assert client.post(EXPORT, {"password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("path", [EXPORT, DELETE])
def test_both_ask_for_the_password(shop, anna, path):
    client = client_of(anna)
    for password in ("", "a guess"):
        answer = client.post(path, {"password": password})
        assert answer.status_code == 422
        assert "attachment" not in answer.get("Content-Disposition", "")
    assert User.objects.filter(pk=anna.pk).exists()


def test_password_cannot_be_guessed_here(shop, anna):
    client = client_of(anna)
    for _ in range(10):
        client.post(DELETE, {"password": "a guess"})
    assert "Too many tries" in client.post(DELETE, {"password": PASSWORD}).text
    assert User.objects.filter(pk=anna.pk).exists()


def test_deletion_takes_all_that_hangs_on_the_account(shop, anna):
    services.save_address(user=anna, fields={name: text for name, text in ADDRESS.items() if name != "email"})
    lamp = add_goods(shop, "amber", "Lamp")
    client = sign_in(anna)
    client.post("/cart/add/", {"variant": lamp.pk, "quantity": 2})
    assert client.post(DELETE, {"password": PASSWORD})["Location"] == "/"
    for model in (User, EmailAddress, Address):
        assert not model.objects.exists(), model
    assert not Visitor.objects.exists()
    assert not LogEntry.objects.filter(changes__icontains="anna@example.org").exists()
    assert "anna" not in " ".join(LogEntry.objects.values_list("object_repr", flat=True)).lower()
    assert not client_of().login(username="anna@example.org", password=PASSWORD)


def test_deletion_ends_every_session(shop, anna):
    here, there = sign_in(anna), sign_in(anna, "203.0.113.8")
    assert there.get("/accounts/").status_code == 200
    here.post(DELETE, {"password": PASSWORD})
    assert queries.devices(anna) == []
    for client in (here, there):
        assert client.get("/accounts/").status_code == 302


def test_address_is_free_for_a_new_account_that_gets_nothing_of_the_old_one(shop, anna):
    order = make_order(shop, user=anna)
    delete(anna)
    again = make_user("anna@example.org")
    client = client_of(again)
    assert order.number not in client.get("/orders/").text
    assert order.number not in client.get("/orders/claim/").text
    client.post("/orders/claim/", {"number": [order.number]})
    assert Order.objects.get().user_id is None


def test_order_that_came_to_rest_stays_without_its_buyer(shop, anna):
    order = make_order(shop, user=anna, state="delivered")
    Consignment.objects.update(sent_at=timezone.now() - LATER)
    returned = Return.objects.create(consignment=order.consignments.get(), key="1", why="Anna's hands are small")
    Dispatch.objects.create(
        consignment=order.consignments.get(), key="csg_1_r1", body=b"Anna", sha256="0" * 64, state="cancelled"
    )
    Letter.objects.create(order=order, kind="link", facts={"text": "Anna asks"})
    link = order.get_absolute_url()
    delete(anna)
    assert client_of().get(link).status_code == 410  # at once
    erasure.erase_due_orders(timezone.now())
    assert personal(order) == {}
    kept = Order.objects.get()
    assert (kept.number, kept.total, str(kept.country), kept.erase_at) == (order.number, 1000, "IE", None)
    assert Return.objects.get(pk=returned.pk).why == ""
    assert not Dispatch.objects.exists()
    assert not Letter.objects.exists()


def test_no_table_names_the_buyer_any_more(shop, anna):
    """Buy, write letters and dispatches as the shop does, delete and erase; then look at every row there is."""
    lamp = add_goods(shop, "amber", "Lamp")
    client = sign_in(anna)
    client.post("/cart/add/", {"variant": lamp.pk, "quantity": 1})
    client.post("/checkout/", ADDRESS | {"keep": "on"})
    client.post("/checkout/delivery/", {f"vendor-{lamp.product.vendor_id}": "standard"})
    shopper = Shopper("203.0.113.7")
    shopper.client = client
    shopper.pay()
    shopper.card(PAYS)
    order = Order.objects.get()
    assert (order.state, order.user_id) == ("placed", anna.pk)
    hers = ("Quay Street", " Byrne", "anna@example.org")  # with the space: five letters alone may be in a key by chance
    assert tables_with(*hers)  # and how many: they are found

    client.post(DELETE, {"password": PASSWORD})
    Consignment.objects.update(state="delivered", sent_at=timezone.now() - LATER)
    erasure.erase_due_orders(timezone.now() + timedelta(days=2))
    assert tables_with(*hers) == []


def tables_with(*texts):
    """The tables that have a row with one of the texts, also as bytes."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            likes = [f"%{each}%" for text in texts for each in (text, text.encode().hex())]
            cursor.execute(f'SELECT 1 FROM "{table}" AS row WHERE row::text ILIKE ANY(%s) LIMIT 1', [likes])
            found += [table] if cursor.fetchone() else []
    return found


@pytest.mark.parametrize("why", ["to be packed", "just sent", "a refund is due", "a payment is under way"])
def test_order_under_way_keeps_its_buyer_until_it_came_to_rest(shop, anna, why):
    now = timezone.now()
    order = make_order(shop, user=anna, state="open" if why == "to be packed" else "sent")
    if why in {"a refund is due", "a payment is under way"}:
        Consignment.objects.update(sent_at=now - LATER)
        state = "captured" if why == "a refund is due" else "started"
        payment = Payment.objects.create(
            order=order, gateway="sandbox", reference="1", state=state, amount=1000, currency="EUR"
        )
        if state == "captured":
            Refund.objects.create(payment=payment, key="1", amount=500, why="late")
    delete(anna)
    erasure.erase_due_orders(now)
    assert personal(order)["line1"] == "1 Quay Street"

    Consignment.objects.update(state="delivered", sent_at=now)
    Payment.objects.update(state="captured")
    Refund.objects.update(state="made", made_at=now)
    erasure.erase_due_orders(now + timedelta(hours=1))  # not looked at before a day has passed
    assert personal(order)
    erasure.erase_due_orders(now + LATER)
    assert personal(order) == {}


def test_orders_of_others_are_never_erased(shop, anna, ben):
    guest, theirs = make_order(shop, state="delivered"), make_order(shop, user=ben, state="delivered")
    Consignment.objects.update(sent_at=timezone.now() - LATER)
    delete(anna)
    erasure.erase_due_orders(timezone.now() + LATER)
    assert personal(guest)
    assert personal(theirs)


@pytest.mark.parametrize("role", ["owner", "mall"])
def test_staff_leave_their_work_first(shop, role):
    user = make_user("staff@example.org", is_staff=True, mall_role="support" if role == "mall" else "")
    if role == "owner":
        Membership.objects.create(vendor=shop.vendors["amber"], user=user, role="owner")
    client = client_of(user)
    expected = "You work for the mall" if role == "mall" else "You work for Amber"
    assert expected in client.get(DELETE).text
    assert expected in client.post(DELETE, {"password": PASSWORD}).text
    assert User.objects.filter(pk=user.pk).exists()
