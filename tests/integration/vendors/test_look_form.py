"""The look of a store on its form: colours are picked, checked in words, and seen before they are saved."""

import pytest
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from sessions_farm.communities.tests.support.registry_admin import FormClient
from tests.support.html import form_data
from tests.support.shop import MASTER
from vendors import people
from vendors.models import Vendor
from vendors.stylesheets import look_stylesheet


@pytest.fixture
def amber(shop):
    return shop.vendors["amber"]


@pytest.fixture
def owner(amber):
    user = User.objects.create_user("owner@example.org")
    people.add_role(vendor=amber, user=user, role="owner")
    client = FormClient(headers={"host": MASTER})
    client.force_login(user)
    return client


def url(amber, page="change"):
    return reverse(f"admin:vendors_vendor_{page}", args=[amber.pk])


def save(owner, amber, **changes):
    return owner.post(url(amber), form_data(owner.get(url(amber))) | changes)


@pytest.mark.parametrize(
    ("colours", "words"),
    [
        ({"paper": "#ffffff", "ink": "#ffffff"}, "the contrast is 1.0 to 1, and text needs 4.5 to 1"),
        ({"paper": "#faf8f4", "ink": "#999999"}, "Take a darker ink or a lighter paper."),
        ({"paper": "#ffffff", "accent": "#fffffe"}, "Take a stronger accent."),
        ({"ink": "black"}, "A colour is written #rrggbb"),
    ],
)
def test_colours_that_cannot_be_read_are_refused_in_words(owner, amber, colours, words):
    answer = save(owner, amber, **colours)
    assert answer.status_code == 200
    assert words in answer.text
    amber.refresh_from_db()
    assert amber.ink == "#22201c"


def test_colours_are_picked_and_the_front_is_chosen(owner, amber):
    page = owner.get(url(amber)).text
    assert page.count('type="color"') == 3
    assert save(owner, amber, accent="#aa3311", front="arch").status_code == 302
    amber.refresh_from_db()
    assert (amber.accent, amber.front) == ("#aa3311", "arch")


def test_preview_shows_what_is_typed_and_saves_nothing(owner, amber):
    Vendor.objects.filter(pk=amber.pk).update(status="draft")
    look = {"name": "Ambers", "accent": "#aa3311", "front": "sign", "typeface": "slab"}
    typed = form_data(owner.get(url(amber))) | look
    page = owner.post(url(amber, "preview"), typed)
    assert page.status_code == 200
    assert "accent=%23aa3311" in page.text
    assert 'data-front="sign"' in page.text
    assert "Ambers" in page.text
    amber.refresh_from_db()
    assert (amber.name, amber.accent) == ("Amber", "#1f5f5b")
    odd = owner.post(url(amber, "preview"), typed | {"accent": "red", "front": "x", "typeface": "y"})
    assert "accent=%231f5f5b" in odd.text, "what cannot be read is as it was"


def test_preview_of_another_vendor_is_not_found(owner, shop):
    assert owner.post(url(shop.vendors["basalt"], "preview"), {}).status_code == 404
    assert owner.get(url(shop.vendors["amber"], "preview")).status_code == 405


def test_stylesheet_of_a_look_holds_nothing_but_colours(shop):
    assert look_stylesheet("#aa3311", "#ffffff", "#000000").startswith("[data-look]{--paper:light-dark(#ffffff,")
    client = Client(headers={"host": MASTER})
    assert client.get("/theme/look.css", {"accent": "#aa3311", "paper": "#fff;}", "ink": "#000000"}).status_code == 404
