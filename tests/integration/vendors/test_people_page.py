"""The people of a vendor: invited by mail, never above the inviter, and never without a last owner."""

import re
import threading

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mall.accounts.models import User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from sessions_farm.session import queries
from tests.support.html import words_of
from tests.support.shop import MASTER, later, make_shop
from vendors import invitations, people
from vendors.invitations import MAX_A_DAY, InvitationRefusedError
from vendors.models import Invitation, Membership
from vendors.people import LastOwnerError

PASSWORD = "long enough for the mall"
HER = "new@example.org"


@pytest.fixture
def shop(db, redis_client, settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "http", 8000
    return make_shop()


@pytest.fixture
def amber(shop):
    return shop.vendors["amber"]


@pytest.fixture
def owner(amber):
    user = User.objects.create_user("owner@example.org", name="Olive Owner")
    people.add_role(vendor=amber, user=user, role="owner")
    return user


def client_of(user) -> Client:
    client = FormClient(headers={"host": MASTER})
    if user is not None:
        client.force_login(user)
    return client


def page_of(vendor):
    return reverse("admin:vendors_vendor_people", args=[vendor.pk])


def press(user, vendor, button, **data):
    return client_of(user).post(page_of(vendor), {"button": button, **data}, follow=True)


def person(email=HER, *, confirmed=True):
    user = User.objects.create_user(email)
    EmailAddress.objects.create(user=user, email=email, primary=True, verified=confirmed)
    return user


def invited(vendor, by, *, email=HER, role="orders"):
    return invitations.invite(vendor=vendor, email=email, role=role, by=by, now=timezone.now())


def accept(token, user):
    confirmed = set(EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True))
    return invitations.accept(token=token, user=user, confirmed=confirmed, now=timezone.now())


def link_in(letter) -> str:
    return re.search(r"http://mall\.localhost(?::8000)?(/\S*)", letter.body)[1]


def test_somebody_new_is_invited_signs_up_confirms_and_works_there(amber, owner):
    page = press(owner, amber, "invite", email=HER, role="orders")
    assert f"Invited {HER} as orders" in words_of(page)
    (letter,) = mail.outbox
    assert letter.to == [HER]
    link = link_in(letter)

    newcomer = Client(headers={"host": MASTER})
    assert f"/accounts/signup/?next={link}" in newcomer.get(link).content.decode()
    signed_up = newcomer.post(
        f"/accounts/signup/?next={link}", {"email": HER, "password1": PASSWORD, "next": link}, follow=True
    )
    assert signed_up.redirect_chain[-1][0] == "/accounts/confirm-email/"
    newcomer.post(link)  # nobody is signed in yet: it accepts nothing
    assert not Membership.objects.filter(user__email=HER).exists()
    assert newcomer.post(link_in(mail.outbox[-1]))["Location"] == link
    assert "Accept" in words_of(newcomer.get(link))
    welcome = newcomer.post(link, follow=True)

    assert "You work for Amber now, as orders" in words_of(welcome)
    assert newcomer.get(reverse("admin:orders_consignment_changelist")).status_code == 200
    assert newcomer.get(page_of(amber)).status_code == 403
    assert client_of(None).get(link).status_code == 410


def test_token_is_hashed_at_rest_and_works_once(amber, owner):
    made = invited(amber, owner)
    assert made.token not in str(list(Invitation.objects.values()))
    her = person()
    accept(made.token, her)
    with pytest.raises(InvitationRefusedError):
        accept(made.token, her)
    assert Membership.objects.filter(user=her).count() == 1


def test_following_the_link_alone_changes_nothing(amber, owner):
    """A mail scanner follows links."""
    made = invited(amber, owner)
    her = person()
    assert client_of(her).get(reverse("invitation", args=[made.token])).status_code == 200
    assert not Membership.objects.filter(user=her).exists()


@pytest.mark.parametrize("reason", ["other address", "not confirmed", "revoked", "late", "again", "demoted", "closed"])
def test_invitation_that_does_not_hold_is_refused_in_words(amber, owner, reason):
    made = invited(amber, owner)
    her = person("other@example.org") if reason == "other address" else person(confirmed=reason != "not confirmed")
    match reason:
        case "revoked":
            invitations.revoke(invitation=made.invitation, now=timezone.now())
        case "late":
            Invitation.objects.update(expires_at=timezone.now())
        case "again":
            invited(amber, owner)
        case "demoted":
            people.add_role(vendor=amber, user=person("second@example.org"), role="owner")
            people.change_role(membership=Membership.objects.get(user=owner), role="orders")
        case "closed":
            User.objects.filter(pk=owner.pk).update(is_active=False)
    with pytest.raises(InvitationRefusedError):
        accept(made.token, her)
    shown = client_of(her).post(reverse("invitation", args=[made.token]))

    assert shown.status_code in {200, 302, 410}
    assert not Membership.objects.filter(user=her).exists()
    assert not User.objects.get(pk=her.pk).is_staff


def test_two_clicks_at_once_make_one_membership(transactional_db, redis_client):
    vendor = make_shop().vendors["amber"]
    boss = User.objects.create_superuser("boss@example.org")
    made = invited(vendor, boss)
    her, answers, gate = person(), [], threading.Barrier(4)

    def click():
        gate.wait()
        try:
            answers.append(accept(made.token, her))
        except InvitationRefusedError as error:
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sum(isinstance(answer, Membership) for answer in answers) == 1
    assert Membership.objects.filter(user=her).count() == 1


def test_only_an_owner_or_the_mall_invites(amber, owner, shop):
    packer = person("packer@example.org")
    people.add_role(vendor=amber, user=packer, role="orders")
    other_owner = person("basalt@example.org")
    people.add_role(vendor=shop.vendors["basalt"], user=other_owner, role="owner")
    for user, status in ((packer, 403), (other_owner, 404)):
        assert client_of(user).get(page_of(amber)).status_code == status
        assert press(user, amber, "invite", email=HER, role="support").status_code == status
        with pytest.raises(InvitationRefusedError):
            invited(amber, user)
    assert not Invitation.objects.exists()
    boss = User.objects.create_superuser("boss@example.org")
    assert f"Invited {HER} as owner" in words_of(press(boss, amber, "invite", email=HER, role="owner"))


def test_rows_of_another_vendor_are_not_found(amber, owner, shop):
    basalt = shop.vendors["basalt"]
    other = people.add_role(vendor=basalt, user=person("basalt@example.org"), role="support")
    boss = User.objects.create_superuser("boss@example.org")
    open_there = invited(basalt, boss).invitation
    for button, data in (
        ("end", {"membership": other.pk}),
        ("change", {"membership": other.pk, "role": "owner"}),
        ("revoke", {"invitation": open_there.pk}),
        ("again", {"invitation": open_there.pk}),
        ("end", {"membership": "x"}),
        ("no such button", {}),
    ):
        assert press(owner, amber, button, **data).status_code == 404
    assert Membership.objects.get(pk=other.pk).role == "support"
    assert "basalt@example.org" not in client_of(owner).get(page_of(amber)).content.decode()


def test_last_owner_can_neither_leave_nor_step_down(amber, owner):
    own = Membership.objects.get(user=owner)
    for button, data in (("end", {}), ("change", {"role": "support"})):
        page = press(owner, amber, button, membership=own.pk, **data)
        assert "is the last owner of Amber. Invite another owner first." in words_of(page)
    people.add_role(vendor=amber, user=person("closed@example.org"), role="owner")
    User.objects.filter(email="closed@example.org").update(is_active=False)
    with pytest.raises(LastOwnerError):
        people.end_role(membership=own)
    User.objects.filter(email="closed@example.org").update(is_active=True)
    people.end_role(membership=own)  # the control: another owner is there
    assert not User.objects.get(pk=owner.pk).is_staff


def test_of_two_owners_who_go_at_once_one_stays(transactional_db, redis_client):
    vendor = make_shop().vendors["amber"]
    rows = [people.add_role(vendor=vendor, user=person(f"{n}@example.org"), role="owner") for n in range(2)]
    refused, gate = [], threading.Barrier(2)

    def go(membership):
        gate.wait()
        try:
            people.end_role(membership=membership)
        except LastOwnerError as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=go, args=(row,)) for row in rows]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(refused) == 1
    assert Membership.objects.filter(vendor=vendor, role="owner").count() == 1


def test_who_works_elsewhere_too_stays_in_the_admin(amber, owner, shop):
    people.add_role(vendor=shop.vendors["basalt"], user=owner, role="support")
    people.add_role(vendor=amber, user=person(), role="owner")
    people.end_role(membership=Membership.objects.get(user=owner, vendor=amber))
    assert User.objects.get(pk=owner.pk).is_staff


def test_invitations_of_a_vendor_are_limited(amber, owner):
    for number in range(MAX_A_DAY):
        made = invited(amber, owner, email=f"{number}@example.org")
        invitations.revoke(invitation=made.invitation, now=timezone.now())
    with pytest.raises(InvitationRefusedError):
        invited(amber, owner)
    assert "or sent 30 in a day" in words_of(press(owner, amber, "invite", email=HER, role="orders"))
    assert invitations.invite(vendor=amber, email=HER, role="orders", by=owner, now=later(days=2)).token


def test_mail_server_that_is_away_leaves_an_invitation_to_send_again(amber, owner, settings):
    working = settings.MAILERS
    nobody = {"host": "127.0.0.1", "port": 1, "timeout": 1}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": nobody}}
    assert "could not be sent now" in words_of(press(owner, amber, "invite", email=HER, role="orders"))
    settings.MAILERS = working
    first = Invitation.objects.get()
    press(owner, amber, "again", invitation=first.pk)
    assert len(mail.outbox) == 1
    assert Invitation.objects.open(timezone.now()).get() != first


def test_shopper_at_the_back_office_reads_why_and_is_not_sent_in_circles(amber):
    her = person()
    client = client_of(her)
    for path in ("/admin/", "/admin/orders/order/"):
        page = client.get(path, follow=True)
        assert page.status_code == 403
        assert len(page.redirect_chain) <= 1
        assert HER in words_of(page)
    stranger = Client(headers={"host": MASTER}).get("/admin/", follow=True)
    assert stranger.redirect_chain[-1][0].startswith("/accounts/login/")


def test_mall_staff_find_accounts_and_close_them(amber, owner):
    boss = User.objects.create_superuser("boss@example.org")
    desk = client_of(boss)
    listed = desk.get(reverse("admin:accounts_user_changelist"), {"works": "vendor"})
    assert f"{owner.email}</a>" in listed.content.decode()
    change = reverse("admin:accounts_user_change", args=[owner.pk])
    assert reverse("admin:vendors_vendor_change", args=[amber.pk]) in desk.get(change).content.decode()
    assert "This is the last owner of Amber" in words_of(desk.post(change, {"name": "Olive"}))
    people.add_role(vendor=amber, user=person(), role="owner")
    open_session = client_of(owner)
    assert open_session.get("/admin/").status_code == 200
    assert len(queries.devices(owner)) == 1
    desk.post(change, {"name": "Olive"})

    assert not User.objects.get(pk=owner.pk).is_active
    assert queries.devices(owner) == []
    assert open_session.get("/admin/").status_code == 302
    assert client_of(User.objects.get(email=HER)).get(change).status_code == 403
