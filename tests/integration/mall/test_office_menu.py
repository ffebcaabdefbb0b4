"""The menu of the back office: on every page, by task and role, and the pages that it leads to."""

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from mall.accounts.models import MallRole, User
from mall.admin_site.menu import MALL_MENU, VENDOR_MENU
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Membership

GROUP = re.compile(r'<a\s+class="menu__group"\s+href="([^"]+)"[^>]*>([^<]+)</a>')
LINK = re.compile(r'<a\s+class="menu__link"\s+href="([^"]+)"[^>]*>([^<]+)</a>')
OF_ROLE = {
    "owner": ["Today", "Orders", "Products", "Stock", "Delivery", "Support", "Shop", "People"],
    "catalogue": ["Today", "Products", "Stock"],
    "orders": ["Today", "Orders", "Delivery"],
    "support": ["Today", "Products", "Support"],
    "operator": ["Today", "Orders", "Vendors", "Goods", "Delivery", "Users", "Domains", "Audit log"],
    "finance": ["Today", "Orders", "Payments &amp; refunds", "Vendors"],
    "support of the mall": [
        *("Today", "Orders", "Payments &amp; refunds", "Vendors", "Goods", "Delivery", "Support", "Users"),
    ],
}  # fmt: skip


@pytest.fixture
def sides(db):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


def client_of(user) -> Client:
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


def of_the_mall(role) -> User:
    return User.objects.create_user(f"{role}@mall.example", is_staff=True, mall_role=role)


def menu_on(client, url) -> dict[str, str]:
    page = client.get(url)
    assert page.status_code == 200, url
    text = page.content.decode()
    assert text.count('<nav class="menu"') == 1, url
    return {label.strip(): href for href, label in GROUP.findall(text) + LINK.findall(text)}


@pytest.mark.parametrize("role", OF_ROLE)
def test_each_role_sees_its_tasks_and_every_entry_opens(sides, role):
    user = sides[0].staff.get(role) if role in Membership.Role.values and role != "support" else None
    if role == "support":
        user = sides[0].staff["support"]
    client = client_of(user or of_the_mall(role.removesuffix(" of the mall")))
    page = client.get("/admin/").content.decode()
    assert [label.strip() for _, label in GROUP.findall(page)] == OF_ROLE[role]
    seen: dict[str, str] = {}
    for url in menu_on(client, "/admin/").values():
        if url.startswith("/admin/"):
            seen |= menu_on(client, url)
    refused = [url for url in seen.values() if client.get(url).status_code != 200]
    assert refused == []


def test_every_registered_list_is_in_the_malls_menu():
    listed = {entry.page for group in MALL_MENU for entry in group.entries}
    names = {f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry}
    assert names - listed == set()


def test_pages_below_an_entry_mark_it_and_are_named_in_words(sides):
    client = client_of(sides[0].staff["owner"])
    page = client.get(reverse("admin:orders_consignment_changelist")).content.decode()
    assert re.search(r"<h1>Orders</h1>", page)
    assert "Select consignment" not in page
    assert re.search(r'aria-current="page"\s*>Orders</a>', page)
    stock = client.get(reverse("admin:vendors_stock_changelist")).content.decode()
    assert 'data-label="On hand"' in stock, "a phone shows the cell with the name of its column"
    vendor = sides[0].vendor
    people = client.get(reverse("admin:vendors_vendor_people", args=[vendor.pk])).content.decode()
    assert re.search(r'aria-current="page"\s*>People</a>', people)


def test_name_and_colours_of_the_shop_are_at_the_head_and_of_several_the_names(sides):
    ours, theirs = sides
    owner = ours.staff["owner"]
    page = client_of(owner).get("/admin/").content.decode()
    look = re.search(r'href="(/theme/look.css[^"]+)"', page)[1].replace("&amp;", "&")
    sheet = Client(headers={"host": MASTER}).get(look)
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert b"[data-look]{--paper:light-dark(#" in sheet.content
    assert Client(headers={"host": MASTER}).get("/theme/look.css?accent=red;}").status_code == 404
    Membership.objects.create(user=owner, vendor=theirs.vendor, role="owner")
    both = client_of(owner).get("/admin/").content.decode()
    assert "Amber &amp; Co, Basalt &amp; Co" in both
    assert "look.css" not in both
    assert "People: Basalt" in client_of(owner).get(reverse("admin:vendors_vendor_people", args=[ours.vendor.pk])).text


def test_entries_of_vendors_that_name_roles_stand_in_the_vendors_menu_alone():
    assert not any(entry.roles for group in MALL_MENU for entry in group.entries)
    assert any(entry.roles for group in VENDOR_MENU for entry in group.entries)


@pytest.mark.parametrize("role", MallRole.values)
def test_roles_of_the_mall_see_all_vendors(sides, role):
    page = client_of(of_the_mall(role)).get(reverse("admin:vendors_vendor_changelist")).content.decode()
    assert "Amber &amp; Co" in page
    assert "Basalt &amp; Co" in page
