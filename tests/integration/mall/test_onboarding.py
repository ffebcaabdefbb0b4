"""A vendor from nothing to an open store, by pages alone: invited, set up, asked for, sent back, approved, closed."""

import re

import pytest
from allauth.account.models import EmailAddress
from auditlog.models import LogEntry
from django.core import mail
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.registry_admin import FormClient
from shipping.models import Department
from tests.support.html import form_data, words_of
from tests.support.shop import MASTER, make_shop, put_on_hand
from vendors import people
from vendors.models import Category, Marketplace, Product, Storefront, Variant, Vendor, VendorDomain

HER = "rosa@example.org"


@pytest.fixture
def shop(db, redis_client, settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "http", 8000
    made = make_shop()
    Marketplace.objects.update(vendor_terms="Pay **nobody** late.")
    yield made
    registry.forget()


def client_of(user) -> Client:
    client = FormClient(headers={"host": MASTER})
    client.force_login(user)
    return client


@pytest.fixture
def operator(shop):
    return client_of(User.objects.create_user("op@mall.example", is_staff=True, mall_role="operator"))


def person(email=HER) -> User:
    user = User.objects.create_user(email)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


def link_in(letter) -> str:
    return re.search(r"http://mall\.localhost(?::8000)?(/\S*)", letter.body)[1]


@pytest.fixture
def add_vendor(shop, django_capture_on_commit_callbacks):
    def add(operator):
        with django_capture_on_commit_callbacks(execute=True):
            return fill_in_the_form(operator)

    return add


def fill_in_the_form(operator):
    url = reverse("admin:vendors_vendor_add")
    data = form_data(operator.get(url)) | {
        "marketplace": Marketplace.objects.get().pk, "name": "Rosa’s Lamps", "slug": "rosa", "owner": HER,
    }  # fmt: skip
    page = operator.post(url, data, follow=True)
    assert HER in words_of(page)
    return Vendor.objects.get(slug="rosa")


def owner_of(vendor):
    owner = client_of(person())
    owner.post(link_in(mail.outbox[-1]))
    return owner


def approval_of(vendor):
    return reverse("admin:setup", args=[vendor.pk])


def press(client, vendor, button, **data):
    return client.post(approval_of(vendor), {"button": button, **data}, follow=True)


def save_shop(owner, vendor, **changes):
    url = reverse("admin:vendors_vendor_change", args=[vendor.pk])
    return owner.post(url, form_data(owner.get(url)) | changes)


def set_up(owner, vendor):
    """Do what the list of steps asks for, each at the page that it leads to."""
    save_shop(
        owner, vendor, tagline="Light, by hand", about="We make lamps.", returns_text="Within a month.",
    )  # fmt: skip
    product = Product.objects.create(
        vendor=vendor, category=Category.objects.first(), name="Lamp", slug="lamp", status="published"
    )
    put_on_hand(Variant.objects.create(product=product, sku="L-1", price=1000), 3)
    for page, query, data in (
        ("vendors_deliveryzone", "", {"name": "Ireland", "countries": ["IE"], "standard_charge": "4,50"}),
        ("shipping_department", "", {"name": "Back room"}),
        ("shipping_route", "?transport=email", {"rank": 1, "to": "pack@rosa.example", "ack_policy": "person"}),
    ):
        url = reverse(f"admin:{page}_add") + query
        form = form_data(owner.get(url))
        department = {"department": Department.objects.get(vendor=vendor).pk} if page == "shipping_route" else {}
        answer = owner.post(url, form | data | department)
        assert answer.status_code == 302, words_of(answer)


def test_steps_that_are_missing_are_named_and_lead_to_their_pages(operator, add_vendor):
    vendor = add_vendor(operator)
    assert Storefront.objects.filter(vendor=vendor).exists()
    owner = owner_of(vendor)
    home = words_of(owner.get("/admin/"))
    assert "It is being set up, and shoppers do not see it yet." in home
    assert home.count(" missing ") == 6
    assert "Domain of your own if you like" in home
    refused = words_of(press(owner, vendor, "ask"))
    assert "What is missing: Terms, Look, First product, Delivery, Returns, Shipping route." in refused
    for href in re.findall(r'<li class="steps__step"[^>]*>\s*<a href="([^"]+)"', owner.get("/admin/").text):
        assert owner.get(href).status_code == 200, "each step leads to the page where it is made"


def test_from_an_invitation_to_an_open_store(operator, add_vendor):
    vendor = add_vendor(operator)
    owner = owner_of(vendor)
    set_up(owner, vendor)
    assert "What is missing: Terms." in words_of(press(owner, vendor, "ask"))
    assert "Pay nobody late." in words_of(owner.get(approval_of(vendor)))
    press(owner, vendor, "accept")
    mail.outbox.clear()
    assert "waits for the mall’s approval" in words_of(press(owner, vendor, "ask"))
    (letter,) = mail.outbox
    assert letter.to == ["op@mall.example"]
    assert link_in(letter) == approval_of(vendor)
    assert Client(headers={"host": MASTER}).get("/stores/rosa/").status_code == 404

    assert "vendor waits for approval" in words_of(operator.get("/admin/"))
    mail.outbox.clear()
    assert "Say why in a sentence" in words_of(press(operator, vendor, "send-back"))
    press(operator, vendor, "send-back", words="Show the lamps lit.")
    assert "> Show the lamps lit." in mail.outbox[0].body
    assert mail.outbox[0].to == [HER]
    assert "The mall sent it back. The mall says: “Show the lamps lit.”" in words_of(owner.get("/admin/"))
    press(owner, vendor, "ask")
    mail.outbox.clear()
    press(operator, vendor, "approve")
    assert mail.outbox[0].subject == "Rosa’s Lamps is open"
    registry.forget()
    assert Client(headers={"host": MASTER}).get("/stores/rosa/").status_code == 200
    assert "What it needs" not in words_of(owner.get("/admin/"))
    changes = [entry.changes.get("status") for entry in LogEntry.objects.get_for_object(vendor) if entry.changes]
    assert ["asked", "published"] in changes


def test_mall_closes_a_store_with_words_and_opens_it_again(shop, operator):
    vendor = shop.vendors["amber"]
    assert "Say why" in words_of(press(operator, vendor, "close"))
    assert "It is open." in words_of(operator.get(approval_of(vendor)))
    press(operator, vendor, "close", words="Nothing was sent for a month.")
    words = "The mall closed it. The mall says: “Nothing was sent for a month.”"
    assert words in words_of(operator.get(approval_of(vendor)))
    assert "amber is suspended".lower() not in words_of(operator.get("/admin/")).lower()
    press(operator, vendor, "approve")
    vendor.refresh_from_db()
    assert (vendor.status, vendor.remark) == ("published", "")


def test_owners_do_not_decide_and_others_do_not_ask(shop, operator, add_vendor):
    vendor = add_vendor(operator)
    owner = owner_of(vendor)
    Vendor.objects.filter(pk=vendor.pk).update(status="asked")
    for button in ("approve", "send-back", "close"):
        assert press(owner, vendor, button, words="So").status_code == 403
    for button in ("accept", "ask"):
        assert press(operator, vendor, button).status_code == 403
    assert press(operator, vendor, "no such").status_code == 404
    other = shop.vendors["basalt"]
    assert owner.get(approval_of(other)).status_code == 404
    assert press(owner, other, "ask").status_code == 404
    support = client_of(User.objects.create_user("sup@mall.example", is_staff=True, mall_role="support"))
    assert support.get(approval_of(vendor)).status_code == 200
    assert press(support, vendor, "approve").status_code == 403
    assert Vendor.objects.get(pk=vendor.pk).status == "asked"
    save_shop(owner, vendor, status="published", slug="mine")
    assert Vendor.objects.get(pk=vendor.pk).status == "asked", "the form has no way to open the store"


def test_decision_that_a_colleague_made_meanwhile_is_refused(shop, operator):
    vendor = shop.vendors["amber"]
    assert "Amber is open meanwhile." in words_of(press(operator, vendor, "approve"))


def test_mail_server_that_is_away_leaves_the_decision_and_says_so(shop, operator, settings):
    Vendor.objects.filter(slug="amber").update(status="asked")
    client_of(person())
    people.add_role(vendor=shop.vendors["amber"], user=User.objects.get(email=HER), role="owner")
    nobody = {"host": "127.0.0.1", "port": 1, "timeout": 1}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": nobody}}
    assert "could not be sent now" in words_of(press(operator, shop.vendors["amber"], "approve"))
    assert Vendor.objects.get(slug="amber").status == "published"
    assert not VendorDomain.objects.exists()
