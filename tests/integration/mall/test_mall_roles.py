"""Roles of the mall's staff: what each opens and does, who gives them, and the last superuser."""

import re
import threading

import pytest
from auditlog.models import LogEntry
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from cart.aftersale.models import Return
from cart.orders.models import Consignment, Order
from mall.accounts import roles
from mall.accounts.errors import LastSuperuserError, RoleRefusedError
from mall.accounts.models import MallRole, User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors import invitations
from vendors.invitations import InvitationRefusedError
from vendors.models import Membership, Vendor

SEES = {
    "operator": {
        "Vendor", "Storefront", "VendorDomain", "Category", "Product", "Variant", "Stock", "StockMovement",
        "Marketplace", "DeliveryZone", "Domain", "Community", "Department", "Route", "Dispatch", "User", "LogEntry",
        "Letter", "Synonym", "Review", "ScriptRun",
    },
    "support": {
        "Order", "Consignment", "Return", "Refund", "Letter", "User", "Vendor", "Product", "Variant", "Stock",
        "StockMovement", "Dispatch", "SupportVisit", "Cart", "DeliveryZone", "Review",
    },
    "finance": {"Order", "Consignment", "Return", "Refund", "Letter", "Transfer", "BackTransfer", "Vendor"},
}  # fmt: skip
CHANGES = {
    "operator": {
        "Vendor",
        "Storefront",
        "VendorDomain",
        "Category",
        "Marketplace",
        "Domain",
        "User",
        "Synonym",
        "Review",
    },
    "support": {"Review"},
    "finance": set(),
}


@pytest.fixture
def sides(db, redis_client):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


def of_the_mall(role) -> User:
    if role == "superuser":
        return User.objects.create_superuser("boss@mall.example", "secret")
    return User.objects.create_user(f"{role}@mall.example", is_staff=True, mall_role=role)


def client_of(user) -> Client:
    client = FormClient(headers={"host": MASTER})
    client.force_login(user)
    return client


def lists_of(client):
    found = set()
    for model in admin.site._registry:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        if client.get(url).status_code == 200:
            found.add(model.__name__)
    return found


@pytest.mark.parametrize("role", MallRole.values)
def test_each_role_opens_its_lists_and_changes_what_is_its_own(sides, role, rf):
    user = of_the_mall(role)
    ours = {name for name in lists_of(client_of(user)) if name != "Job"}
    assert ours == SEES[role]
    request = rf.get("/")
    request.user = user
    changes = {
        model.__name__ for model, each in admin.site._registry.items() if each.has_change_permission(request)
    }  # fmt: skip
    assert changes - {"Job"} == CHANGES[role]


def test_finance_gives_money_back_and_support_does_not(sides):
    consignment = sides[0].rows[Consignment]
    pages = [
        reverse("admin:aftersale_consignment", args=[consignment.pk]),
        reverse("admin:aftersale_order", args=[consignment.order_id]),
        reverse("admin:reconciliation"),
    ]
    clients = {role: client_of(of_the_mall(role)) for role in ("finance", "support", "operator", "superuser")}
    seen = {role: [client.get(page).status_code for page in pages] for role, client in clients.items()}
    assert seen == {
        "finance": [200, 200, 200], "support": [403, 403, 403], "operator": [403, 403, 403],
        "superuser": [200, 200, 200],
    }  # fmt: skip


@pytest.mark.parametrize(("role", "answers"), [("support", False), ("finance", False), ("superuser", True)])
def test_return_is_answered_by_those_who_may(sides, role, answers):
    returned = sides[0].rows[Return]
    url = reverse("admin:aftersale_return_change", args=[returned.pk])
    client = client_of(of_the_mall(role))
    assert ("What now?" in client.get(url).text) is answers
    client.post(url, {"button": "accept", "answer": ""})
    returned.refresh_from_db()
    assert (returned.state == "accepted") is answers


def change(client, user, **changes):
    url = reverse("admin:accounts_user_change", args=[user.pk])
    return client.post(url, form_data(client.get(url)) | changes)


def test_superuser_gives_and_takes_roles_and_the_audit_log_has_it(sides):
    boss, her = of_the_mall("superuser"), User.objects.create_user("her@mall.example")
    desk = client_of(boss)
    assert change(desk, her, role="finance").status_code == 302
    her.refresh_from_db()
    assert (her.mall_role, her.is_staff, her.is_superuser) == ("finance", True, False)
    entry = LogEntry.objects.get_for_object(her).first()
    assert (entry.actor, entry.changes["mall_role"]) == (boss, ["", "finance"])
    change(desk, her, role="superuser")
    her.refresh_from_db()
    assert (her.mall_role, her.is_superuser) == ("", True)
    change(desk, her, role="")
    her.refresh_from_db()
    assert (her.mall_role, her.is_superuser, her.is_staff) == ("", False, False)


@pytest.mark.parametrize("role", MallRole.values)
def test_no_other_role_gives_one(sides, role):
    giver, her = of_the_mall(role), User.objects.create_user("her@mall.example")
    page = client_of(giver).get(reverse("admin:accounts_user_change", args=[her.pk]))
    assert 'name="role"' not in page.text
    if page.status_code == 200:
        change(client_of(giver), her, role="superuser")
    with pytest.raises(RoleRefusedError):
        roles.change_role(user=her, role="support", by=giver)
    her.refresh_from_db()
    assert not her.is_mall_staff


def test_operator_does_not_touch_accounts_of_the_malls_staff(sides):
    boss = of_the_mall("superuser")
    desk = client_of(of_the_mall("operator"))
    url = reverse("admin:accounts_user_change", args=[boss.pk])
    assert desk.post(url, {"name": "Gone"}).status_code == 403
    shopper = User.objects.create_user("anna@example.org")
    assert change(desk, shopper, name="Anna").status_code == 302


def test_last_superuser_is_neither_demoted_nor_closed(sides):
    boss = of_the_mall("superuser")
    desk = client_of(boss)
    for changes in ({"role": "support"}, {"role": ""}):
        assert "is the last superuser of the mall" in change(desk, boss, **changes).text
    url = reverse("admin:accounts_user_change", args=[boss.pk])
    data = form_data(desk.get(url))
    del data["is_active"]
    assert "is the last superuser of the mall" in desk.post(url, data).text
    other = User.objects.create_superuser("other@mall.example")
    assert change(desk, boss, role="").status_code == 302  # the control: another one is there
    with pytest.raises(LastSuperuserError):
        roles.refuse_last_superuser(other)


def test_of_two_superusers_who_go_at_once_one_stays(transactional_db):
    both = [User.objects.create_superuser(f"{number}@mall.example") for number in range(2)]
    refused, start = [], threading.Barrier(2)

    def go(user):
        start.wait()
        try:
            roles.change_role(user=user, role="", by=user)
        except LastSuperuserError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(user,)) for user in both]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(refused) == 1
    assert User.objects.filter(is_superuser=True).count() == 1


def test_mall_and_shop_are_two_accounts(sides):
    owner = sides[0].staff["owner"]
    assert "works for a shop" in change(client_of(of_the_mall("superuser")), owner, role="support").text
    clerk = of_the_mall("support")
    made = invitations.invite(
        vendor=sides[0].vendor, email=clerk.email, role="orders", by=owner, now=Order.objects.first().placed_at
    )
    with pytest.raises(InvitationRefusedError, match="You work for the mall"):
        invitations.accept(token=made.token, user=clerk, confirmed={clerk.email}, now=made.invitation.created_at)
    assert not Membership.objects.filter(user=clerk).exists()


@pytest.mark.parametrize("role", MallRole.values)
def test_isolation_is_of_vendors_staff_alone(sides, role):
    page = client_of(of_the_mall(role)).get(reverse("admin:vendors_vendor_changelist")).text
    assert {"Amber &amp; Co", "Basalt &amp; Co"} <= set(re.findall(r"(?:Amber|Basalt) &amp; Co", page))
    assert Vendor.objects.count() == 2
