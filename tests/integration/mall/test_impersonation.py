"""Impersonation: after a fresh code, for half an hour, never of the mall's staff; what is refused, and who is named."""

import re
import time

import pytest
import time_machine
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from auditlog.models import LogEntry
from django.contrib.admin.models import LogEntry as AdminLogEntry
from django.core.cache import cache
from django.urls import reverse

from mall.accounts.models import User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from shipping.models import Route
from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Product

PASSWORD = "long enough for the mall"


@pytest.fixture
def side(db, redis_client):
    return make_side("Amber", make_marketplace())


@pytest.fixture
def support(side):
    user = User.objects.create_user("sile@mall.example", PASSWORD, name="Síle", is_staff=True, mall_role="support")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


@pytest.fixture
def client(support):
    client = FormClient(headers={"host": MASTER})
    client.force_login(support)
    return client


def page_of(user):
    return reverse("admin:accounts_user_impersonate", args=[user.pk])


def activate(client) -> str:
    """Set up sign-in in two steps by its own pages; return the secret."""
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    assert send_code(client, secret, "mfa_activate_totp").status_code == 302
    return secret


def send_code(client, secret, page):
    """Give the code of this half minute (RFC 6238), which does not end before the code is there: the clock stands."""
    with time_machine.travel(time.time(), tick=False):
        code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
        return client.post(reverse(page), {"code": code})


def give_code(client, secret):
    return send_code(client, secret, "mfa_reauthenticate")


def act_as(client, user):
    secret = activate(client)
    cache.clear()  # where a code is noted as taken
    give_code(client, secret)
    assert client.post(page_of(user)).status_code == 302
    return secret


def test_needs_a_second_factor_and_a_fresh_code(side, client, support):
    owner = side.staff["owner"]
    assert "Set up your sign-in in two steps first" in client.get(page_of(owner)).text
    client.post(page_of(owner))
    assert "You act as" not in client.get("/admin/").text
    secret = activate(client)
    assert secret not in Authenticator.objects.get(user=support, type="totp").data["secret"], "encrypted at rest"
    with time_machine.travel(time.time() + 60, tick=True):
        assert "Give a code" in client.get(page_of(owner)).text
        client.post(page_of(owner))
        assert "act as" not in client.get("/admin/").text
        give_code(client, secret)
    with time_machine.travel(time.time() + 60 + 301, tick=True):
        assert "Give a code" in client.get(page_of(owner)).text
    with time_machine.travel(time.time() + 120, tick=True):
        client.post(page_of(owner))
        text = client.get("/admin/").text
        assert re.search(r"Síle</strong>, you act as\s+<strong>Amber-Owner", text)
        assert reverse("admin:vendors_vendor_change", args=[side.vendor.pk]) in text


def test_ends_by_its_button_and_after_half_an_hour_and_with_the_role(side, client, support):
    owner = side.staff["owner"]
    act_as(client, owner)
    assert "act as" in client.get("/").text, "on every page, the shop's too"
    with time_machine.travel(time.time() + 60 + 31 * 60, tick=True):
        assert "act as" not in client.get("/admin/").text
    User.objects.filter(pk=support.pk).update(mall_role="finance")
    assert "act as" not in client.get("/admin/").text
    User.objects.filter(pk=support.pk).update(mall_role="support")
    assert "act as" in client.get("/admin/").text
    assert client.get(reverse("end_impersonation")).status_code == 405
    page = client.post(reverse("end_impersonation"), follow=True)
    assert "You are yourself again" in page.text
    assert page.status_code == 200
    assert "act as" not in page.text


@pytest.mark.parametrize("role", ["superuser", "operator", "support"])
def test_staff_of_the_mall_cannot_be_impersonated(side, client, role):
    other = User.objects.create_user("other@mall.example", is_staff=True)
    act_as(client, side.staff["support"])
    client.post(reverse("end_impersonation"))
    User.objects.filter(pk=other.pk).update(
        is_superuser=role == "superuser", mall_role="" if role == "superuser" else role
    )
    with time_machine.travel(time.time() + 120, tick=True):
        assert "of the mall’s own staff" in client.get(page_of(other)).text
        client.post(page_of(other))
        assert "act as" not in client.get("/admin/").text


def test_one_who_became_staff_of_the_mall_meanwhile_is_left(side, client):
    owner = side.staff["owner"]
    act_as(client, owner)
    User.objects.filter(pk=owner.pk).update(is_superuser=True)
    assert "act as" not in client.get("/admin/").text
    assert client.get(reverse("admin:sessions_farm_session_changelist")).status_code == 403


def test_what_is_the_persons_own_is_refused_in_words(side, client):
    owner = side.staff["owner"]
    act_as(client, owner)
    consignment = reverse("admin:aftersale_consignment", args=[1])
    people = reverse("admin:vendors_vendor_people", args=[side.vendor.pk])
    route = reverse("admin:shipping_route_change", args=[side.rows[Route].pk])
    refused = [
        client.get(path)
        for path in ("/accounts/password/change/", "/accounts/email/", "/accounts/2fa/", "/accounts/devices/",
                     "/accounts/addresses/", "/checkout/", "/admin/password_change/",
                     reverse("admin:jobs_job_file", args=[1]), reverse("admin:orders_consignment_slips_pdf"))
    ] + [
        client.post(path, data)
        for path, data in ((people, {"button": "invite", "email": "me@example.org", "role": "owner"}),
                           (consignment, {"button": "refund"}), ("/checkout/", {}),
                           (reverse("admin:setup", args=[side.vendor.pk]), {"button": "ask"}),
                           (route, {"transport": "email"}), (reverse("admin:shipping_route_add"), {}),
                           (reverse("admin:vendors_vendor_change", args=[side.vendor.pk]), {"name": "Mine"}),
                           (reverse("admin:vendors_product_changelist"), {"action": "export_rows"}))
    ]  # fmt: skip
    seen = {(page.request["PATH_INFO"], page.status_code, "theirs alone" in page.text) for page in refused}
    # A path that leads nowhere yet is a 404 of the resolver: nothing is behind it.
    assert {each for each in seen if each[1:] != (403, True)} <= {("/accounts/addresses/", 404, False)}
    assert {client.get(page).status_code for page in (people, route)} == {200}, "looking is what support is for"


def test_audit_log_and_history_name_both(side, client, support):
    owner, product = side.staff["owner"], side.rows[Product]
    act_as(client, owner)
    page = client.get(reverse("admin:vendors_product_change", args=[product.pk]))
    data = form_data(page) | {"summary": "Lit by hand"}
    assert client.post(reverse("admin:vendors_product_change", args=[product.pk]), data).status_code == 302
    assert Product.objects.get(pk=product.pk).summary == "Lit by hand"
    row = LogEntry.objects.get_for_object(product).first()
    assert row.actor == support
    assert row.additional_data["as"] == str(owner)
    history = AdminLogEntry.objects.latest("pk")
    assert history.user == support
    assert str(owner) in history.change_message
    client.post(reverse("end_impersonation"))
    rows = LogEntry.objects.get_for_object(owner).filter(additional_data__has_key="impersonation").order_by("pk")
    assert [(row.actor, row.additional_data["impersonation"]) for row in rows] == [
        (support, "begun"), (support, "ended"),
    ]  # fmt: skip


@pytest.mark.parametrize("role", ["operator", "finance"])
def test_other_roles_may_not(side, role):
    client = FormClient(headers={"host": MASTER})
    client.force_login(User.objects.create_user("op@mall.example", is_staff=True, mall_role=role))
    assert client.get(page_of(side.staff["owner"])).status_code == 403
    assert client.post(page_of(side.staff["owner"])).status_code == 403
