import re

import pytest
from django.utils import timezone

from cart import saving, services
from cart.models import Cart, Line, SavedGoods
from sessions_farm.communities.models import Visitor
from sessions_farm.testing.browser import BrowserClient
from tests.support.html import flat, words_of
from tests.support.shop import MASTER, add_goods, put_on_hand, visitor_with
from vendors.links import storefront_url
from vendors.storefronts import storefronts

MALL = f"http://{MASTER}:8000"
AMBER = "http://amber.localhost:8000"


@pytest.fixture
def browser():
    return BrowserClient()


@pytest.fixture
def lamp(shop):
    """Sold on a host of its store's own."""
    return add_goods(shop, "amber", "Lamp", price=1000, on_hand=3)


@pytest.fixture
def vase(shop):
    """Sold on the master's path."""
    return add_goods(shop, "basalt", "Vase", price=4000)


def add(browser, variant, quantity=1, then="/cart/", headers=None, instead=None):
    """Open the product's page, wherever its store is, and send its form."""
    store = storefronts.by_vendor(variant.product.vendor_id)
    browser.get(storefront_url(store, "product", slug=variant.product.slug))
    form = {"variant": variant.pk, "quantity": quantity, "next": then} | (instead or {})
    return browser.post("/cart/add/", form, **headers or {})


def lines() -> dict[str, int]:
    return dict(Line.objects.values_list("variant__product__name", "quantity"))


def test_first_add_on_a_stores_host_lands_on_the_mall_once(browser, lamp):
    browser.get(f"{AMBER}/")
    landing = add(browser, lamp)
    assert browser.redirects == 2
    assert browser.url == f"{MALL}/cart/added/?variant={lamp.pk}"
    assert landing.status_code == 200
    assert "Keep shopping at Amber" in words_of(landing)
    assert AMBER in landing.content.decode()
    add(browser, lamp, then="/about/")
    assert browser.url == f"{AMBER}/about/"
    assert "Your cart has 2" in words_of(browser.response)
    assert lines() == {"Lamp": 2}


def test_first_add_stays_where_the_community_wants_no_landing(shop, browser, lamp):
    shop.community.first_add_landing = False
    shop.community.save()
    add(browser, lamp, then="/about/")
    assert browser.url == f"{AMBER}/about/"


def test_add_by_htmx_answers_count_and_words(browser, vase):
    response = add(browser, vase, 2, headers={"HX-Request": "true"})
    page = " ".join(response.content.decode().split())
    assert response.status_code == 200
    assert 'id="cart-count" hx-swap-oob="true" data-count="2"' in page
    assert "Added: Vase. Your cart has 2 of it." in page
    response = add(browser, vase, 50, headers={"HX-Request": "true"})
    assert "Only 10 left" in words_of(response)


def test_first_add_by_htmx_on_a_stores_host_goes_to_the_landing(browser, lamp):
    response = add(browser, lamp, headers={"HX-Request": "true"})
    assert response["HX-Redirect"].startswith(f"{MALL}/cart/from-store/?to=added&variant={lamp.pk}&ticket=")


@pytest.mark.parametrize("path", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"])
def test_add_leads_nowhere_else(browser, vase, path):
    add(browser, vase, then=path)
    assert browser.url == f"{MALL}/cart/"


def test_add_of_what_sold_out_meanwhile_says_so(browser, shop, vase):
    ghost = add_goods(shop, "basalt", "Ghost", on_hand=0)
    add(browser, vase, instead={"variant": ghost.pk})
    assert "Sold out" in words_of(browser.response)
    assert not Line.objects.exists()


@pytest.mark.parametrize("data", [{"variant": "x"}, {"quantity": 0}, {"quantity": 100}, {"variant": 2**70}])
def test_add_of_nonsense_adds_nothing(browser, lamp, data):
    add(browser, lamp, instead=data)
    assert browser.response.status_code == 200
    assert not Line.objects.exists()


def test_cart_shows_every_line_on_every_host(browser, lamp, vase):
    add(browser, lamp)
    add(browser, vase)
    for host in (MALL, AMBER):
        page = words_of(browser.get(f"{host}/cart/"))
        assert "Lamp" in page
        assert "Vase" in page
        assert "€57.50" in page  # goods and both deliveries


def test_stores_host_edits_its_own_lines_only(browser, lamp, vase):
    add(browser, lamp)
    add(browser, vase)
    page = browser.get(f"{AMBER}/cart/").content.decode()
    assert f'id="quantity-{lamp.pk}"' in page
    assert f'id="quantity-{vase.pk}"' not in page
    browser.post("/cart/change/", {"remove": vase.pk})
    assert "belongs to another store" in words_of(browser.response)
    browser.post("/cart/add/", {"variant": vase.pk, "quantity": 1})
    assert lines() == {"Lamp": 1, "Vase": 1}
    browser.post("/cart/change/", {"variant": lamp.pk, "quantity": 2})
    assert lines() == {"Lamp": 2, "Vase": 1}
    browser.get(f"{MALL}/cart/")
    browser.post("/cart/change/", {"remove": vase.pk})
    assert lines() == {"Lamp": 2}


def test_price_that_rose_is_shown(browser, lamp):
    add(browser, lamp)
    lamp.price = 1234
    lamp.save()
    page = words_of(browser.get(f"{MALL}/cart/"))
    assert "The price rose since you added it" in page
    assert "€12.34" in page
    assert "€10.00" in page


def test_line_that_sold_out_is_marked_and_stops_the_checkout(browser, lamp):
    add(browser, lamp)
    put_on_hand(lamp, 0)
    page = words_of(browser.get(f"{MALL}/cart/"))
    assert "Sold out" in page
    assert "Check out" not in page
    browser.get(f"{MALL}/checkout/")
    assert browser.url == f"{MALL}/cart/"


def test_add_without_the_pages_token_is_refused(browser, vase):
    assert "Nothing in it yet" in words_of(browser.get(f"{MALL}/cart/"))
    browser.response.content = b""  # its forms have the token
    assert browser.post("/cart/add/", {"variant": vase.pk, "quantity": 1}).status_code == 403
    assert not Cart.objects.exists()


def test_looking_makes_no_cart_and_no_visitor(browser, shop):
    browser.get(f"{MALL}/cart/")
    browser.get(f"{AMBER}/cart/")
    assert not Cart.objects.exists()
    assert not Visitor.objects.exists()


def test_cart_page_queries_do_not_grow(browser, shop, lamp, django_assert_max_num_queries):
    add(browser, lamp)
    browser.get(f"{MALL}/cart/")
    with django_assert_max_num_queries(12):
        browser.get(f"{MALL}/cart/")
    for number in range(12):
        add(browser, add_goods(shop, "basalt", f"Vase {number}"))
    browser.get(f"{MALL}/cart/")
    with django_assert_max_num_queries(12):
        browser.get(f"{MALL}/cart/")


def purged(shop, browser, lamp):
    """A shopper with a lamp in the cart, whose browser has cleared the mall's cookie."""
    add(browser, lamp)
    browser.get(f"{AMBER}/cart/")
    browser.cookies.clear("mall.localhost")


def test_checkout_button_makes_one_visitor_again_though_the_malls_cookie_was_cleared(shop, browser, lamp):
    shop.community.peer_authority = False
    shop.community.save()
    purged(shop, browser, lamp)
    browser.post("/cart/change/", {"to": "checkout"})

    assert [hop.host.partition(".")[0] for hop in browser.hops] == ["amber", "mall", "amber", "mall", "mall", "mall"]
    assert browser.url == f"{MALL}/checkout/"
    assert Visitor.objects.filter(pk__in=Cart.objects.values("visitor")).count() == 1


def test_checkout_without_healing_brings_a_copy(shop, browser, lamp):
    shop.community.peer_authority = shop.community.checkout_healing = False
    shop.community.save()
    purged(shop, browser, lamp)
    browser.post("/cart/change/", {"to": "checkout"})

    assert browser.url == f"{MALL}/checkout/"
    assert Cart.objects.count() == 2


def test_add_under_an_id_that_has_just_ended_keeps_the_line_and_is_found_at_the_mall(shop, browser, lamp):
    """As after a heal: the store's cookie carries an id that the mall took over."""
    browser.get(f"{AMBER}/products/lamp/")
    browser.response.wsgi_request.session.claim_key()
    ended = browser.response.wsgi_request.mall.session
    ended["x"] = 1
    ended.save()
    ended.delete()
    response = browser.post("/cart/add/", {"variant": lamp.pk, "quantity": 1, "next": "/about/"})

    assert response.status_code == 200
    assert [hop.host for hop in browser.hops][1] == "amber.localhost"  # no landing before the mall can know the line
    browser.get(f"{MALL}/cart/")
    assert "Lamp" in words_of(browser.response)


def test_no_typed_quantity_is_lost(browser, lamp, vase):
    """Each button of the cart sends every line: what was typed holds, whichever is pressed."""
    add(browser, lamp)
    add(browser, vase)
    browser.get(f"{MALL}/cart/")
    typed = {"variant": [lamp.pk, vase.pk], "quantity": [3, 4]}
    browser.post("/cart/change/", typed | {"to": "checkout"})
    assert lines() == {"Lamp": 3, "Vase": 4}
    assert browser.url == f"{MALL}/checkout/"
    browser.get(f"{MALL}/cart/")
    browser.post("/cart/change/", {"variant": [lamp.pk, vase.pk], "quantity": [2, "x"], "remove": vase.pk})
    assert lines() == {"Lamp": 2}
    assert "Removed: Vase." in words_of(browser.response)
    page = flat(browser.response)
    assert re.search(rf'name="variant" value="{vase.pk}">\s*<input type="hidden" name="quantity" value="4">', page)
    browser.post("/cart/add/", {"variant": vase.pk, "quantity": 4, "next": "/cart/"})
    assert lines() == {"Lamp": 2, "Vase": 4}
    browser.post("/cart/change/", {"variant": [lamp.pk, vase.pk], "quantity": [1, ""], "to": "checkout"})
    assert lines() == {"Lamp": 2, "Vase": 4}
    assert browser.url == f"{MALL}/cart/"
    browser.post("/cart/change/", {"variant": [lamp.pk, vase.pk], "quantity": [50, 4], "to": "checkout"})
    assert browser.url == f"{MALL}/cart/"  # fewer than were typed: the shopper looks first
    assert "Only 3 left" in words_of(browser.response)


def saved(page):
    return re.findall(r'saved__item">.*?<h3[^>]*>\s*(?:<a[^>]*>)?\s*(\w+)', page, re.DOTALL)


def test_goods_are_saved_for_later(browser, lamp, vase, shop):
    """From a product's page and from a line, on any host; merged at sign-in; one at a time back into the cart."""
    add(browser, vase, 2)
    browser.post("/cart/change/", {"variant": vase.pk, "quantity": 2, "save": vase.pk})
    assert lines() == {}
    assert "Saved for later: Vase." in words_of(browser.response)
    browser.get(f"{AMBER}/products/lamp/")
    browser.post("/cart/saved/", {"variant": lamp.pk, "do": "save", "next": "/products/lamp/"})
    assert browser.url == f"{AMBER}/products/lamp/"
    assert saved(browser.get(f"{MALL}/cart/").content.decode()) == ["Lamp", "Vase"]
    on_store = browser.get(f"{AMBER}/cart/").content.decode()
    assert saved(on_store) == ["Lamp", "Vase"]
    assert on_store.count('value="forget"') == 1  # a store's host changes its own goods
    browser.get(f"{MALL}/cart/")
    browser.post("/cart/saved/", {"variant": lamp.pk, "do": "buy"})
    assert lines() == {"Lamp": 1}
    put_on_hand(vase, 0)
    assert "sold out" in words_of(browser.get(f"{MALL}/cart/"))
    browser.post("/cart/saved/", {"variant": vase.pk, "do": "buy"})
    assert saved(browser.response.content.decode()) == ["Vase"]
    browser.post("/cart/saved/", {"variant": vase.pk, "do": "forget"})
    assert saved(browser.response.content.decode()) == []
    for nonsense in ({"variant": "x"}, {"variant": vase.pk, "do": "steal"}, {"variant": 2**40}):
        browser.post("/cart/saved/", {"do": "save"} | nonsense)
    assert SavedGoods.objects.count() == 0


def test_saved_goods_follow_the_visitor(shop, lamp, vase):
    source, target = visitor_with(shop, a=(lamp, 1)), visitor_with(shop, a=(lamp, 1))
    now = timezone.now()
    for visitor, variant in ((source, vase), (source, lamp), (target, lamp)):
        saving.save_for_later(visitor=visitor, variant_id=variant.pk, now=now)
    services.merge_carts(source=source, target=target, now=now)
    assert {item.variant for item in saving.saved_items(target.pk, now, None)} == {lamp, vase}
