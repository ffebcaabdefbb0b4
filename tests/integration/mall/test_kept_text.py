"""Typed text outlives a session and its token: it is shown again after a sign-in, and saved once it is sent."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from mall.admin_site.kept_text import PATH
from sessions_farm.communities.tests.support.registry_admin import FormClient
from tests.support.html import form_data
from tests.support.shop import make_shop
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Vendor

ORIGIN = f"http://{MASTER}"


@pytest.fixture
def side(db, redis_client):
    return make_side("Amber", make_marketplace())


@pytest.fixture
def owner(side):
    return side.staff["owner"]


def signed_in(user, **options) -> Client:
    client = FormClient(headers={"host": MASTER, "origin": ORIGIN}, **options)
    client.force_login(user)
    return client


def url(side):
    return reverse("admin:vendors_vendor_change", args=[side.vendor.pk])


def test_text_is_kept_over_a_sign_in_and_saved_when_it_is_sent(side, owner):
    client = signed_in(owner)
    typed = form_data(client.get(url(side))) | {"tagline": "Lit\nby <hand>", "about": "Two\nlines"}
    client.logout()

    page = client.post(url(side), typed)
    assert page.status_code == 403
    assert "You were signed out, and what you typed is kept" in page.text
    carried = form_data(page)
    assert carried[PATH] == url(side)
    assert carried["about"] == "Two\nlines"
    assert Vendor.objects.get(pk=side.vendor.pk).about == ""

    still_out = client.post(reverse("admin:kept"), carried)
    assert form_data(still_out)[PATH] == url(side), "pressed before the sign-in, nothing is lost either"
    client.force_login(owner)
    again = client.post(reverse("admin:kept"), form_data(still_out))
    assert again.status_code == 200
    assert "Lit" in again.text
    assert client.post(url(side), form_data(again)).status_code == 302
    vendor = Vendor.objects.get(pk=side.vendor.pk)
    assert (vendor.tagline.split(), vendor.about.splitlines()) == (["Lit", "by", "<hand>"], ["Two", "lines"])


def test_row_that_changed_meanwhile_is_still_refused(side, owner):
    client = signed_in(owner)
    typed = form_data(client.get(url(side))) | {"tagline": "Mine"}
    client.logout()
    carried = form_data(client.post(url(side), typed))
    Vendor.objects.filter(pk=side.vendor.pk).update(tagline="Theirs")
    client.force_login(owner)
    again = client.post(reverse("admin:kept"), carried)
    answer = client.post(url(side), form_data(again))
    assert "changed while this page was open" in answer.text
    assert Vendor.objects.get(pk=side.vendor.pk).tagline == "Theirs"


def test_passwords_and_files_are_not_carried(side, owner):
    client = Client(headers={"host": MASTER, "origin": ORIGIN})
    data = {
        "old_password": "hunter2",
        "new_secrets": "secret-of-the-shelf",
        "name": "Amber",
        "file": SimpleUploadedFile("a.png", b"x"),
    }
    page = client.post("/admin/password_change/", data)
    assert "hunter2" not in page.text
    assert "secret-of-the-shelf" not in page.text
    assert "give these anew: old_password, new_secrets, file" in page.text


def test_stale_token_of_staff_shows_the_form_again_and_another_sites_form_is_refused(side, owner):
    client = signed_in(owner, enforce_csrf_checks=True)
    page = client.get(url(side))
    typed = form_data(page) | {"tagline": "Mine", "csrfmiddlewaretoken": "a" * 64}
    answer = client.post(url(side), typed)
    assert "This is what you typed" in answer.text
    assert Vendor.objects.get(pk=side.vendor.pk).tagline != "Mine"
    assert client.post(url(side), form_data(answer)).status_code == 302
    assert Vendor.objects.get(pk=side.vendor.pk).tagline == "Mine"
    evil = {"origin": "https://evil.example"}
    forged = client.post(url(side), typed, headers=evil)
    assert forged.status_code == 403
    assert "This is what you typed" not in forged.text


@pytest.mark.parametrize("path", ["/checkout/", "https://evil.example/", "//evil.example/", "/admin/../checkout/"])
def test_kept_form_leads_to_the_admin_alone(side, owner, path):
    client = signed_in(owner)
    assert client.post(reverse("admin:kept"), {PATH: path, "a": "1"}).status_code == 403
    other = client.post(reverse("admin:kept"), {PATH: url(side)}, headers={"origin": "https://evil.example"})
    assert other.status_code == 403


def test_control_a_page_that_is_asked_for_leads_to_the_sign_in(side):
    answer = Client(headers={"host": MASTER}).get(url(side))
    assert answer.status_code == 302
    assert User.objects.count() == 4


def test_stale_token_on_a_stores_host_is_refused_in_words(db):
    """No admin stands there."""
    make_shop()
    client = Client(enforce_csrf_checks=True, headers={"host": "amber.localhost"})
    assert client.post("/cart/add/", {"variant": 1}, headers={"origin": "http://amber.localhost"}).status_code == 403
