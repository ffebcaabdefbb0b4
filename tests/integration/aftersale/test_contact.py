"""Changes of the address and the mail address of an order: who may, until when, and who hears of it."""

import json
import re
import smtplib
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart.aftersale import contact
from cart.aftersale.errors import NotChangeableError
from cart.aftersale.models import ContactChange
from cart.letters import outbox, sending
from cart.letters.models import Letter
from cart.orders import access
from cart.orders.models import Consignment, Order
from cart.orders.packing import transition_consignment
from mall.accounts.models import MallRole, User
from shipping.models import Dispatch
from tests.integration.aftersale.test_shopper_pages import address, browser, post
from tests.support.html import flat, form_data
from tests.support.tampered import tampered
from tests.support.two_vendors import make_staff
from vendors.models import DeliveryZone

By = ContactChange.By


@pytest.fixture
def client():
    return browser()


def change(sale, by=By.SHOPPER, *, key="k", service=contact.change_contact, now=None, **wanted):
    order = sale.reload()
    return service(
        order_id=order.pk, seen=contact.fingerprint(order), wanted=contact.contact_of(order) | wanted, key=key,
        author=contact.Author(by), now=now or timezone.now(),
    )  # fmt: skip


def sent():
    """Send the due letters; their addressees with their texts, by subject."""
    mail.outbox.clear()
    sending.send_due_letters()
    return {(letter.subject.partition(" ")[0], letter.to[0]): letter.body for letter in mail.outbox}


def recipients():
    dispatches = Dispatch.objects.exclude(state="cancelled").order_by("pk")
    bodies = [json.loads(bytes(each.body)) for each in dispatches]
    return [body["address"] | body["contact"] for body in bodies]


def own(client, sale, user=None):
    """Sign in as the buyer of the sale."""
    user = user or User.objects.create_user("anna@example.org", "secret")
    Order.objects.filter(pk=sale.order.pk).update(user=user)
    client.force_login(user)
    return user


# What happens


def test_buyer_changes_the_address_at_once_and_it_is_written_everywhere(sale, client):
    user = own(client, sale)
    page = flat(post(client, address(sale, "contact"), line1="9 Far Street", town="Sligo"))
    assert "Changed; a letter says so." in page
    assert "9 Far Street" in page
    assert [(each["line1"], each["town"]) for each in recipients()] == [("9 Far Street", "Sligo")] * 2
    assert [each.revision for each in Dispatch.objects.filter(state="cancelled")] == [1, 1]
    entry = LogEntry.objects.filter(object_repr=sale.order.number).latest("pk")
    assert (entry.changes["line1"], entry.actor) == (["1 Quay Street", "9 Far Street"], user)
    letters = sent()
    assert "9 Far Street" in letters["The", "anna@example.org"]


def test_mail_address_is_told_at_the_old_one_and_at_the_new_one(sale, client):
    own(client, sale)
    post(client, address(sale, "contact"), email="anna@new.example")
    letters = sent()
    assert "anna@new.example" in letters["The", "anna@new.example"]
    old = letters["Letters", "anna@example.org"]
    assert "go to another one" in old
    assert "anna@new.example" not in old
    assert "/orders/status/" not in old
    assert [each["email"] for each in recipients()] == ["anna@new.example"] * 2


def test_links_in_the_old_mailbox_end_and_the_buyer_goes_on(sale, client):
    own(client, sale)
    old = sale.reload().get_absolute_url()
    assert "Changed; a letter says so." in flat(post(client, address(sale, "contact"), email="anna@new.example"))
    assert client.get(old).status_code == 410
    assert client.get(sale.reload().get_absolute_url()).status_code == 200


def test_same_form_sent_twice_changes_once(sale):
    for _ in range(2):
        change(sale, line1="9 Far Street")
    assert ContactChange.objects.count() == 1


def test_address_that_another_changed_meanwhile_is_not_overwritten(sale, client):
    own(client, sale)
    path = address(sale, "contact")
    data = form_data(client.get(path)) | {"line1": "9 Far Street"}
    change(sale, line1="7 Near Street", key="other")
    page = flat(client.post(path, data))
    assert "was changed while this page was open" in page
    assert sale.reload().line1 == "7 Near Street"


def test_country_stays(sale, client):
    own(client, sale)
    post(client, address(sale, "contact"), line1="9 Far Street", country="US")
    assert sale.reload().country == "IE"


# Until when


def lease(sale):
    Dispatch.objects.filter(consignment=sale.consignment("amber")).update(fence=1, state="sending")


def pack(sale):
    transition_consignment(consignment_id=sale.consignment("amber").pk, to=Consignment.State.PACKED, now=timezone.now())


def print_slip(sale):
    Consignment.objects.filter(pk=sale.consignment("amber").pk).update(printed_at=timezone.now())


def test_postcode_of_another_zone_is_refused_and_one_of_the_same_is_taken(sale):
    vendor = sale.reload().consignments.order_by("pk").first().vendor
    DeliveryZone.objects.create(vendor=vendor, name="Far", countries="IE", postcodes="F", standard_charge=900)
    with pytest.raises(NotChangeableError, match="for another price"):
        change(sale, postcode="F91 X2Y3")
    assert ContactChange.objects.count() == 0
    change(sale, postcode="D02 AF30")
    assert sale.reload().postcode == "D02 AF30"


@pytest.mark.parametrize(
    ("begin", "words"),
    [(pack, "Amber has packed"), (print_slip, "Amber packs")],
)
def test_address_in_use_is_not_changed_and_the_page_says_why(sale, client, begin, words):
    own(client, sale)
    path = address(sale, "contact")
    data = form_data(client.get(path)) | {"line1": "9 Far Street"}
    begin(sale)
    before = recipients()
    page = client.get(path)
    assert words in flat(page)
    assert "line1" not in form_data(page)
    page = flat(client.post(path, data))
    assert words in page
    assert "cannot go to another address any more" in page
    assert sale.reload().line1 == "1 Quay Street"
    assert recipients() == before


def test_department_that_may_have_the_order_is_told_of_the_new_address(sale):
    lease(sale)
    change(sale, line1="9 Far Street")
    newest = Dispatch.objects.filter(revision=2).order_by("consignment__vendor__slug")
    assert [(each.consignment.vendor.slug, each.action) for each in newest.select_related("consignment__vendor")] == [
        ("amber", "amend"),
        ("basalt", "ship"),
    ]
    assert {each["line1"] for each in recipients()} == {"9 Far Street"}


def test_mail_address_changes_although_the_address_is_in_use(sale):
    lease(sale)
    change(sale, email="anna@new.example")
    assert sale.reload().email == "anna@new.example"
    assert sorted(each["email"] for each in recipients()) == ["anna@example.org", "anna@new.example"]


def test_printed_slip_is_printed_anew_where_the_shop_changes_the_address(sale):
    print_slip(sale)
    change(sale, By.SHOP, line1="9 Far Street")
    assert sale.consignment("amber").printed_at is None


# Who


def confirm_path(letters):
    (text,) = [text for (subject, _), text in letters.items() if subject == "Confirm"]
    return re.search(r"/orders/change/\S+", text)[0]


def test_link_holder_changes_it_by_the_order_s_mail_address(sale, client):
    post(client, address(sale, "contact"), line1="9 Far Street")
    assert sale.reload().line1 == "1 Quay Street"
    path = confirm_path(sent())
    reader = browser()
    assert "9 Far Street" in flat(reader.get(path))
    assert sale.reload().line1 == "1 Quay Street"  # a mail scanner that opens links changes nothing
    for _ in range(2):
        assert "is changed" in flat(reader.post(path, form_data(reader.get(path)) or token_of(reader)))
    assert sale.reload().line1 == "9 Far Street"
    assert list(sent()) == [("The", "anna@example.org")]


def token_of(client):
    return {"csrfmiddlewaretoken": client.cookies["csrf"].value}


def test_confirmation_of_what_was_changed_meanwhile_is_refused(sale, client):
    post(client, address(sale, "contact"), line1="9 Far Street")
    path = confirm_path(sent())
    change(sale, line1="7 Near Street", key="other")
    page = client.get(path)
    assert "was changed since then" in flat(client.post(path, form_data(page) or token_of(client)))
    assert sale.reload().line1 == "7 Near Street"


def test_confirmation_runs_out(sale, client, monkeypatch):
    post(client, address(sale, "contact"), line1="9 Far Street")
    path = confirm_path(sent())
    assert client.get(f"{tampered(path[:-1])}/").status_code == 410
    monkeypatch.setattr(contact, "CONFIRM_WITHIN", timedelta(0))
    assert client.get(path).status_code == 410


def test_browser_that_ordered_is_the_guest_for_an_hour(sale, rf):
    order = sale.reload()
    request = rf.get("/")
    request.user, request.mall = None, type("M", (), {"visitor": order.visitor})
    assert access.is_owner(request, order, order.created_at + timedelta(minutes=59))
    assert not access.is_owner(request, order, order.created_at + timedelta(minutes=60))
    request.mall = type("M", (), {"visitor": None})
    assert not access.is_owner(request, order, order.created_at)
    order.user = own(browser(), sale)
    request.user = User.objects.create_user("other@example.org", "secret")
    request.mall = type("M", (), {"visitor": order.visitor})
    assert not access.is_owner(request, order, order.created_at)


def test_changes_of_a_shopper_are_limited(sale):
    for number in range(contact.CHANGES_AN_HOUR):
        change(sale, line1=f"{number} Far Street", key=str(number))
    with pytest.raises(NotChangeableError, match="many changes"):
        change(sale, line1="99 Far Street", key="more")
    change(sale, By.MALL, line1="99 Far Street", key="more")


# Staff


def staff_page(sale, user, consignment="amber"):
    client = browser()
    client.force_login(user)
    return client, reverse("admin:aftersale_consignment_contact", args=[sale.consignment(consignment).pk])


def test_shop_that_is_not_alone_in_the_order_asks_the_buyer(sale):
    client, path = staff_page(sale, make_staff("packer", sale.consignment("amber").vendor, "orders"))
    page = flat(post(client, path, line1="9 Far Street"))
    assert "Asked the buyer by mail" in page
    assert sale.reload().line1 == "1 Quay Street"
    assert "Amber wants to change" in sent()["Confirm", "anna@example.org"]


def test_shop_that_is_alone_changes_it(other_sale):
    client, path = staff_page(other_sale, make_staff("packer", other_sale.consignment("amber").vendor, "orders"))
    page = flat(post(client, path, line1="9 Far Street"))
    assert "Changed the address" in page
    assert other_sale.reload().line1 == "9 Far Street"
    assert "by Amber" in sent()["The", "anna@example.org"]


def test_another_shop_and_its_other_roles_do_not_reach_the_page(other_sale, shop):
    for user in (
        make_staff("stranger", shop.vendors["basalt"], "owner"),
        make_staff("clerk", shop.vendors["amber"], "catalogue"),
    ):
        client, path = staff_page(other_sale, user)
        assert client.get(path).status_code in {403, 404}
        order_path = reverse("admin:aftersale_order_contact", args=[other_sale.order.pk])
        assert client.get(order_path).status_code == 403


@pytest.mark.parametrize(
    ("role", "status"), [(MallRole.SUPPORT, 200), (MallRole.FINANCE, 403), (MallRole.OPERATOR, 403)]
)
def test_mall_s_support_changes_any_order(sale, role, status):
    user = User.objects.create_user("desk@mall.example", "secret", is_staff=True, mall_role=role)
    client, _ = staff_page(sale, user)
    path = reverse("admin:aftersale_order_contact", args=[sale.order.pk])
    assert client.get(path).status_code == status
    if status == 200:
        assert "Changed the address" in flat(post(client, path, line1="9 Far Street"))
        assert sale.reload().line1 == "9 Far Street"


# Letters that do not arrive


def refuse(letter):
    refusal = smtplib.SMTPRecipientsRefused({letter.order.email: (550, b"no such user")})
    outbox.mark_failed(letter, str(refusal), permanent=sending.is_permanent(refusal), now=timezone.now())


@pytest.fixture
def refused(other_sale):
    """The first letter of a guest's order, refused for good."""
    letter = Letter.objects.select_related("order").get(order=other_sale.order)
    refuse(letter)
    return other_sale


def test_refused_letter_is_seen_at_the_desk_and_goes_to_the_new_address(refused):
    user = make_staff("packer", refused.consignment("amber").vendor, "orders")
    client, path = staff_page(refused, user)
    desk = reverse("admin:orders_consignment_change", args=[refused.consignment("amber").pk])
    page = flat(client.get(desk))
    assert "mail address refuses our letters: anna@example.org" in page
    assert "no such user" in page
    assert path in page
    post(client, path, email="anna@new.example")
    assert "refuses our letters" not in flat(client.get(desk))
    assert {to for _, to in sent()} == {"anna@new.example", "anna@example.org"}
    assert Letter.objects.get(kind="placed").sent_to == "anna@new.example"


def test_refused_letter_is_seen_on_the_order_and_is_sent_elsewhere(refused):
    user = User.objects.create_user("desk@mall.example", "secret", is_staff=True, mall_role=MallRole.SUPPORT)
    client, _ = staff_page(refused, user)
    page = flat(client.get(reverse("admin:orders_order_change", args=[refused.order.pk])))
    letter = Letter.objects.get(kind="placed")
    path = reverse("admin:letters_letter_again", args=[letter.pk])
    assert "The address refused it" in page
    assert path in page
    assert "The letter goes to anna@new.example" in flat(post(client, path, to="anna@new.example"))
    assert ("Your", "anna@new.example") in sent()
    entry = LogEntry.objects.filter(object_repr=str(letter)).latest("pk")
    assert (entry.changes["to"], entry.actor) == (["anna@example.org", "anna@new.example"], user)
    assert refused.reload().email == "anna@example.org"


def test_letters_are_sent_elsewhere_by_those_who_may_alone(refused):
    letter = Letter.objects.get(kind="placed")
    path = reverse("admin:letters_letter_again", args=[letter.pk])
    for user in (
        make_staff("owner", refused.consignment("amber").vendor, "owner"),
        User.objects.create_user("money@mall.example", "secret", is_staff=True, mall_role=MallRole.FINANCE),
    ):
        client = Client(headers={"host": "mall.localhost:8000"})
        client.force_login(user)
        assert client.post(path, {"to": "x@example.org"}).status_code == 403
    letter.refresh_from_db()
    assert letter.to == ""
