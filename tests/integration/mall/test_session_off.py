"""What every visitor gets alike asks no session: any cache may keep it, and it costs the store nothing."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.shop import MASTER, make_shop
from vendors import stylesheets
from vendors.storefronts import storefronts


@pytest.fixture
def person(db, settings, tmp_path, django_user_model):
    make_shop()
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "jug.webp").write_bytes(b"RIFF....WEBP")
    client = Client()
    client.force_login(django_user_model.objects.create_user("anna@example.org", "x"))
    return client


def addresses():
    store = storefronts.by_slug("amber")
    return [
        stylesheets.stylesheet_url(store),
        stylesheets.stylesheet_url_of([store]),
    ]


def test_colours_and_pictures_ask_no_session(person, django_assert_num_queries):
    for path in [*addresses(), "/media/jug.webp"]:
        with django_assert_num_queries(0):
            response = person.get(path, headers={"host": MASTER})
        assert (response.status_code, response["Server-Timing"]) == (200, 'session;desc="trips=0 bytes=0"')
        assert ("Cookie" in response.get("Vary", ""), dict(response.cookies)) == (False, {})
        assert response["Cache-Control"].startswith("public")


def test_control_a_page_asks_it(person):
    response = person.get(reverse("mall:home"), headers={"host": MASTER})
    assert response["Server-Timing"] != 'session;desc="trips=0 bytes=0"'
