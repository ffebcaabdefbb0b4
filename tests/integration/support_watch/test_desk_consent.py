"""Consent in three levels: without it nothing personal stands anywhere, and what is withdrawn is gone everywhere."""

import json
import logging

import pytest
from django.db import connection
from django.utils import timezone

from sessions_farm.testing.browser import BrowserClient, Step
from support_watch import redaction
from support_watch.feed import connections, writes
from support_watch.models import CartLook, DeskSettings, SupportVisit, WatchedPage
from support_watch.presence import Presence
from tests.support.shop import Shop, add_goods
from vendors.models import Category

SHOP = "http://fowlers.localhost:8000"
HELP = f"{SHOP}/support/"
CHOICE = f"{SHOP}/watching/"


def choose(browser, level):
    browser.get(CHOICE)
    browser.post(CHOICE, {"level": level})


def make_product(vendor, name):
    category, _ = Category.objects.get_or_create(marketplace=vendor.marketplace, slug="boats", name="Boats")
    return add_goods(Shop(vendor.marketplace, category, {vendor.slug: vendor}), vendor.slug, name).product


def add_to_cart(browser, *products):
    """Put one of each into the cart, on the mall's own host."""
    for product in products:
        browser.get("http://mall.localhost:8000/watching/")  # a page with a form
        browser.post("http://mall.localhost:8000/cart/add/", {"variant": product.variants.get().pk, "quantity": 1})


def dump_of(raw, vendor, signed_in):
    """All that is kept or shown of a vendor's visits: Redis, tables, the desk, its history and its CSV."""
    texts = []
    for key in raw.scan_iter("{watch:*"):
        kind = raw.type(key)
        read = {
            "hash": raw.hgetall, "zset": lambda name: raw.zrange(name, 0, -1), "string": raw.get,
            "stream": raw.xrange,
        }[kind]  # fmt: skip
        texts.append(f"{key} {read(key)}")
    with connection.cursor() as cursor:
        for table in ("supportvisit", "claim", "cartlook"):
            cursor.execute(f"SELECT * FROM support_watch_{table}")
            texts += [str(row) for row in cursor.fetchall()]
    owner = signed_in("chief")
    for path in ("", "history/"):
        page = owner.get(f"/watch/{vendor.slug}/{path}").content.decode()
        texts.append(page.partition("<main")[2].partition("</main>")[0])
    texts.append(owner.get(f"/watch/{vendor.slug}/history.csv").getvalue().decode())
    return "\n".join(texts)


@pytest.fixture
def all_pages(place):
    DeskSettings.objects.create(vendor=place.vendor, pages=list(WatchedPage))


@pytest.mark.parametrize(
    ("headers", "level"),
    [({"Sec-GPC": "1"}, None), ({"DNT": "1"}, None), ({}, 0)],
    ids=["private browser", "do not track", "chosen"],
)
def test_without_consent_nothing_personal_is_kept_or_shown(place, raw, signed_in, caplog, headers, level):
    """On the mall's own host, where every browser has an id. The control is the same walk with consent."""
    caplog.set_level(logging.DEBUG)
    mall = "http://mall.localhost:8000"
    browser = BrowserClient(headers=headers)
    browser.get(f"{mall}/watching/")
    if level is not None:
        browser.post(f"{mall}/watching/", {"level": level})
    for _ in range(2):
        browser.get(f"{mall}/stores/quill/support/")
    visit = SupportVisit.objects.get()
    dump = dump_of(raw, place.other, signed_in)
    ids = [value.split(".")[0] for value in browser.jar("mall.localhost").values() if value.count(".") == 2]
    personal = ["/support/", f"Visitor {visit.visit[:4]}", *ids]

    assert "A visitor" in dump
    assert ids
    assert [word for word in personal if word in dump] == []
    assert [word for word in personal[1:] if word in caplog.text] == []
    assert f"Visitor {visit.visit[:4]}" not in browser.response.content.decode()

    control = BrowserClient()
    for _ in range(2):
        control.get(f"{mall}/stores/quill/support/")
    named = SupportVisit.objects.get(level=1)
    dump = dump_of(raw, place.other, signed_in)
    assert "/support/" in dump
    assert f"Visitor {named.visit[:4]}" in dump


def test_withdrawn_consent_is_withdrawn_everywhere_at_once(place, raw, signed_in, events_of):
    browser = BrowserClient()
    browser.get(HELP)
    visit = SupportVisit.objects.get()
    assert "/support/" in dump_of(raw, place.vendor, signed_in)
    choose(browser, 0)
    events = events_of(place.vendor.pk)
    dump = dump_of(raw, place.vendor, signed_in)

    assert [event["type"] for event in events] == ["redact"]
    assert (events[0]["visit"], events[0]["page"]["path"], events[0]["trail"]) == (visit.visit, "", [])
    assert "/support/" not in dump
    assert f"Visitor {visit.visit[:4]}" not in dump
    assert Presence(place.vendor).session_count() == 1  # that somebody is there is no secret
    token = browser_token(browser.get(HELP))
    assert "/support/" not in dump_of(raw, place.vendor, signed_in)
    raw.delete(*raw.keys("{watch:*"))
    browser.request(beat_step(token))  # restored by its page's heartbeat, with what is allowed now
    assert "/support/" not in dump_of(raw, place.vendor, signed_in)


def browser_token(response):
    return response.content.decode().partition('data-watch-token="')[2].partition('"')[0]


def beat_step(token):
    return Step("POST", f"{SHOP}/watching/beat/", HELP, "same-origin", {"token": token, "number": 9})


def test_redaction_while_redis_is_away_follows(place, raw, settings):
    browser = BrowserClient()
    browser.get(HELP)
    (subject,) = SupportVisit.objects.values_list("subject", flat=True)
    own, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:1/0"
    connections.beacon_client.cache_clear()
    choose(browser, 0)
    row = SupportVisit.objects.get()
    assert (row.path, row.subject, row.redacting) == ("", "", True)
    settings.REDIS_URL = own
    connections.beacon_client.cache_clear()
    writes.BEACONS.breaker.record_success()
    assert subject
    assert redaction.relay_redactions(now=timezone.now()) == 1
    assert "/support/" not in json.dumps(raw.hgetall(f"{{watch:{place.vendor.pk}}}:values"))


def test_forgetting_keeps_times_and_nothing_else(place, raw, signed_in):
    browser = BrowserClient()
    browser.get(HELP)
    browser.get(CHOICE)
    browser.post(f"{CHOICE}forget/")

    assert "Visits that are forgotten: 1" in browser.response.content.decode()
    assert "/support/" not in dump_of(raw, place.vendor, signed_in)
    assert SupportVisit.objects.count() == 1


def test_cart_is_seen_only_where_the_shopper_ticked_it_and_each_look_is_written(place, signed_in, raw):
    mine, theirs = make_product(place.vendor, "Oars of ash"), make_product(place.other, "Quills of swan")
    browser = BrowserClient()
    browser.get(f"{SHOP}/")
    add_to_cart(browser, mine, theirs)
    browser.get(HELP)
    visit = SupportVisit.objects.get()
    path, of = "/watch/fowlers/cart/", {"visit": visit.visit}
    owner = signed_in("owner")
    refused = owner.post(path, of, follow=True).content.decode()
    assert "does not let the cart be seen" in refused
    assert not CartLook.objects.exists()

    choose(browser, 2)
    browser.get(HELP)
    shown = owner.post(path, of).content.decode()
    assert "Oars of ash" in shown
    assert "Quills of swan" not in shown  # another shop's goods
    look = CartLook.objects.get()
    assert (look.by_name, look.visit) == ("owner@example.org", visit)
    assert "Fowler’s" in browser.get(CHOICE).content.decode().partition("Who looked")[2]
    assert signed_in("rival").post(path, of).status_code == 404
    assert signed_in("rival").post("/watch/quill/cart/", of, follow=True).status_code == 200
    assert CartLook.objects.count() == 1
    assert "Oars of ash" not in dump_of(raw, place.vendor, signed_in)

    choose(browser, 1)
    assert "does not let the cart be seen" in owner.post(path, of, follow=True).content.decode()


def test_pages_without_the_notice_show_that_somebody_is_there_until_the_shopper_has_read_it(
    place, all_pages, events_of
):
    product = make_product(place.vendor, "Oars")
    browser = BrowserClient()
    browser.get(f"{SHOP}/")
    browser.get(f"{SHOP}/products/{product.slug}/")
    page = browser.response.content.decode()
    assert "see that somebody is here, and nothing else" in page
    browser.get(HELP)
    browser.get(f"{SHOP}/products/{product.slug}/")
    events = events_of(place.vendor.pk)

    assert [(event["type"], event["level"], event["page"]["path"]) for event in events] == [
        ("arrive", 0, ""),
        ("page", 1, "/support/"),
        ("page", 1, f"/products/{product.slug}/"),
    ]
    assert [step["path"] for step in events[-1]["trail"]] == ["/support/"]
    assert len({event["visit"] for event in events}) == 1
    assert SupportVisit.objects.count() == 1


def test_pages_are_watched_that_the_vendor_chose_and_no_others(place, events_of):
    product = make_product(place.vendor, "Oars")
    browser = BrowserClient()
    browser.get(f"{SHOP}/")
    address = f"{SHOP}/products/{product.slug}/"
    assert "data-watch-token" not in browser.get(address).content.decode()
    assert events_of(place.vendor.pk) == []
    DeskSettings.objects.create(vendor=place.vendor, pages=["product", "cart"])
    assert "data-watch-token" in browser.get(address).content.decode()
    assert "data-watch-token" not in browser.get(HELP).content.decode()
    assert "data-watch-token" in browser.get(f"{SHOP}/cart/").content.decode()


def test_cart_of_the_mall_is_told_to_the_shops_whose_goods_are_in_it(place, all_pages, events_of):
    browser = BrowserClient()
    browser.get("http://mall.localhost:8000/")
    browser.get(f"{SHOP}/")
    add_to_cart(browser, make_product(place.vendor, "Oars"), make_product(place.other, "Quills"))
    before = len(events_of(place.vendor.pk))
    browser.get("http://mall.localhost:8000/cart/")
    page = browser.response.content.decode()

    assert page.count("data-watch-token") == 1  # the other shop does not watch the cart
    assert len(events_of(place.vendor.pk)) > before
    assert events_of(place.other.pk) == []
