"""Links of the admin: none leads a person to a page that is closed to them."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.urls import reverse

from mall.accounts.models import MallRole, User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from sessions_farm.models import Session
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Membership, Variant, Vendor

PEOPLE = [*Membership.Role.values, *(f"mall {role}" for role in MallRole.values)]


class Links(HTMLParser):
    """The addresses that the page's #content leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page[page.index('id="content"') :])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and (address := dict(attrs).get("href")):
            self.found.add(address)


@pytest.fixture
def sides(db, redis_client):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


def sign_in(side, person) -> FormClient:
    client = FormClient(headers={"host": MASTER})
    if person in Membership.Role.values:
        user = side.staff[person]
    elif person == "superuser":
        user = User.objects.create_superuser("boss@mall.example", "secret")
    else:
        user = User.objects.create_user("staff@mall.example", is_staff=True, mall_role=person.removeprefix("mall "))
    client.force_login(user)
    return client


def closed_links(client, pages) -> dict[str, str]:
    """Follow the links of pages within the admin, each path once. Return those that were refused, with their page."""
    index, links = reverse("admin:index"), {}
    for page in pages:
        response = client.get(page)
        found = Links(response.text).found if response.status_code == 200 else set()
        here = [urljoin(page, each) for each in found]
        links |= {urlsplit(address).path: (address, page) for address in here if address.startswith(index)}
    assert links
    return {address: page for address, page in links.values() if client.get(address).status_code in {403, 404}}


def pages_of(side) -> list[str]:
    """Return the addresses of every list, and of a form of each: of the side's own row, or of the last."""
    pages = []
    for model in set(admin.site._registry) - {Session}:  # whose page has no form
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages.append(reverse(f"{name}_changelist"))
        if row := side.rows.get(model) or model.objects.order_by("pk").last():
            pages.append(reverse(f"{name}_change", args=[row.pk]))
    return pages


@pytest.mark.parametrize("person", PEOPLE)
def test_no_page_links_to_a_closed_one(sides, person):
    client = sign_in(sides[0], person)
    assert closed_links(client, pages_of(sides[0])) == {}


def test_an_owner_reads_the_marketplace_in_words(sides):
    page = sign_in(sides[0], "owner").get(reverse("admin:vendors_vendor_change", args=[sides[0].vendor.pk])).text
    assert re.search(r'field-marketplace.*?<div class="readonly">The Arcade</div>', page, re.DOTALL)
    assert "/marketplace/" not in page


def test_a_second_shop_of_another_role_is_named_without_a_link(sides):
    ours, theirs = sides
    Membership.objects.create(vendor=theirs.vendor, user=ours.staff["owner"], role=Membership.Role.ORDERS)
    client = sign_in(ours, "owner")
    assert closed_links(client, pages_of(theirs)) == {}
    assert client.get(reverse("admin:vendors_vendor_change", args=[theirs.vendor.pk])).status_code == 302
    assert Vendor.objects.count() == 2


def test_the_audit_log_shows_money(sides):
    variant = sides[0].rows[Variant]
    variant.price = 1250
    variant.save()
    entry = LogEntry.objects.get_for_object(variant).first()
    page = sign_in(sides[0], "mall operator").get(reverse("admin:auditlog_logentry_change", args=[entry.pk])).text
    assert "<td>€10.00</td><td>€12.50</td>" in page
    assert reverse("admin:vendors_variant_change", args=[variant.pk]) in page


@pytest.mark.parametrize("person", ["owner", "mall support", "superuser"])
def test_the_bar_leads_staff_to_the_back_office(sides, person):
    assert "Back office" in sign_in(sides[0], person).get("/").text


def test_the_bar_leads_nobody_else_there(sides):
    client = FormClient(headers={"host": MASTER})
    client.force_login(User.objects.create_user("shopper@example.org", "secret"))
    page = client.get("/").text
    assert "Sign out" in page
    assert "Back office" not in page
