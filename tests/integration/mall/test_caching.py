"""No answer that gives a visitor an id can be kept by a cache and given to another: every view of every host."""

import logging
import time

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver

from sessions_farm.communities.handoff.paths import PREFIX
from sessions_farm.communities.registry import registry
from sessions_farm.conf import options
from sessions_farm.session import ids
from sessions_farm.tests.support.addresses import addresses
from sessions_farm.tests.support.new_ids import FOR_A_NAVIGATION, cacheable, stays_with_one
from sessions_farm.web import cookies
from tests.support.shop import MASTER, add_goods, make_shop
from vendors import stylesheets
from vendors.storefronts import storefronts

STORE = "amber.localhost"
URLCONFS = {MASTER: settings.ROOT_URLCONF, STORE: settings.STORE_URLCONF}
COOKIE = "mall"
CLAIM = "sessions_farm.tests.support.new_ids.ClaimMiddleware"
SESSION = "sessions_farm.web.middleware.SessionMiddleware"


@pytest.fixture(autouse=True)
def no_log(caplog):
    caplog.set_level(logging.CRITICAL)


@pytest.fixture
def shop(db, redis_client, settings, tmp_path):
    shop = make_shop()
    add_goods(shop, "amber", "Lamp")
    add_goods(shop, "basalt", "Lamp")
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "jug.webp").write_bytes(b"RIFF....WEBP")
    return shop


def paths_of(host):
    names = {"<slug:store>": "basalt", "<slug:slug>": "lamp", "<path:path>": "jug.webp"}
    sheets = [stylesheets.stylesheet_url(storefronts.by_slug(slug)) for slug in ("amber", "basalt")]
    return ["/media/jug.webp", *sheets, *addresses(get_resolver(URLCONFS[host]), names)]


def test_each_page_of_the_master_gives_a_new_visitor_an_id_that_no_cache_keeps(shop):
    pages = [path for path in paths_of(MASTER) if not path.startswith(PREFIX)]
    assert len(pages) > 100
    assert cacheable(pages, COOKIE, host=MASTER, **FOR_A_NAVIGATION) == []


@pytest.mark.parametrize("host", URLCONFS)
def test_id_that_any_view_gives_is_kept_by_no_cache(shop, settings, host):
    after = settings.MIDDLEWARE.index(SESSION) + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:after], CLAIM, *settings.MIDDLEWARE[after:]]
    assert cacheable(paths_of(host), COOKIE, host=host) == []


@pytest.mark.parametrize("host", URLCONFS)
def test_cookie_that_is_renewed_is_kept_by_no_cache(shop, host):
    client = Client(headers={"host": host}, raise_request_exception=False)
    session_id, long_ago = ids.new_id(), time.time() - options().cookie_age / 2
    renewed = []
    for path in paths_of(host):
        client.cookies.clear()
        client.cookies[COOKIE] = cookies.seal(registry.resolve(host), session_id, now=long_ago)
        response = client.get(path)
        if COOKIE in response.cookies:
            renewed.append(path)
            assert stays_with_one(response), path

    assert len(renewed) >= 10


def test_control_what_gives_no_id_may_be_kept(shop):
    response = Client(headers={"host": STORE}).get("/media/jug.webp")
    assert (dict(response.cookies), response["Cache-Control"].split(",")[0]) == ({}, "public")
