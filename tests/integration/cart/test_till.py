"""The way from a store to the till, for a browser that no hand-off can lead: its lines are copied, once and truly."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from cart import copies
from cart.models import Cart, CopiedLine, Line
from cart.services import add_line, merge_carts, remove_bought
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.registry import registry
from sessions_farm.communities.visitors.merging import merge_visitors
from sessions_farm.testing.browser import BrowserClient
from tests.support.html import words_of
from tests.support.shop import MASTER, add_goods, add_vendor, make_shop, put, put_on_hand, visitor_with
from vendors.links import storefront_url
from vendors.storefronts import storefronts

MALL = f"http://{MASTER}:8000"
# Taken for a robot: no hand-off ever leads this browser, so each host knows it as another visitor.
ALONE = {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}


@pytest.fixture
def browser():
    return BrowserClient(headers=ALONE)


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", price=1000, on_hand=5)


@pytest.fixture
def pot(shop):
    add_vendor(shop, "cobalt", host="cobalt.localhost")
    registry.forget()
    return add_goods(shop, "cobalt", "Pot", price=2000)


@pytest.fixture
def vase(shop):
    return add_goods(shop, "basalt", "Vase", price=4000)


def add(browser, variant, quantity=1):
    store = storefronts.by_vendor(variant.product.vendor_id)
    browser.get(storefront_url(store, "product", slug=variant.product.slug))
    browser.post("/cart/add/", {"variant": variant.pk, "quantity": quantity, "next": "/cart/"})


def check_out(browser, store="amber", to="checkout"):
    browser.get(f"http://{store}.localhost:8000/cart/")
    return browser.post("/cart/change/", {"to": to})


def at_till(browser):
    """The lines that the mall's cart shows."""
    browser.get(f"{MALL}/cart/")
    visitor = browser.response.wsgi_request.mall.visitor
    lines = Line.objects.filter(cart__visitor=visitor) if visitor else Line.objects.none()
    return dict(lines.values_list("variant__product__name", "quantity"))


def copied():
    return dict(CopiedLine.objects.values_list("variant__product__name", "quantity"))


def test_checkout_button_of_a_store_finds_the_lines(browser, lamp):
    add(browser, lamp, 2)
    check_out(browser)

    assert browser.url == f"{MALL}/checkout/"
    assert at_till(browser) == {"Lamp": 2}
    assert Visitor.objects.count() == 2


def test_pressed_again_nothing_is_doubled(browser, lamp):
    add(browser, lamp, 2)
    for _ in range(3):
        check_out(browser)

    assert at_till(browser) == {"Lamp": 2}


def test_what_changes_at_the_store_changes_at_the_till(browser, lamp):
    add(browser, lamp, 2)
    check_out(browser)
    add(browser, lamp, 1)
    check_out(browser)
    assert at_till(browser) == {"Lamp": 3}
    browser.get("http://amber.localhost:8000/cart/")
    browser.post("/cart/change/", {"variant": lamp.pk, "quantity": 1})
    check_out(browser)
    assert at_till(browser) == {"Lamp": 1}


def test_what_changes_at_the_till_stays(browser, lamp):
    add(browser, lamp, 2)
    check_out(browser)
    at_till(browser)
    browser.post("/cart/change/", {"variant": lamp.pk, "quantity": 4})
    check_out(browser)

    assert at_till(browser) == {"Lamp": 4}


def test_goods_of_two_stores_come_together_by_a_click(browser, lamp, pot):
    add(browser, lamp)
    check_out(browser)
    add(browser, pot, 2)
    check_out(browser, "cobalt")

    assert browser.url == f"{MALL}/cart/offered/"
    page = words_of(browser.response)  # in its tags is a token, which may have four letters by chance
    assert "Pot" in page
    assert "Lamp" not in page
    assert at_till(browser) == {"Lamp": 1}
    browser.get(f"{MALL}/cart/offered/")
    browser.post("/cart/offered/answer/")
    assert browser.url == f"{MALL}/checkout/"
    assert at_till(browser) == {"Lamp": 1, "Pot": 2}
    check_out(browser, "cobalt")
    assert browser.url == f"{MALL}/checkout/"
    assert at_till(browser) == {"Lamp": 1, "Pot": 2}


def test_goods_that_are_left_are_offered_again_and_never_added(browser, lamp, vase):
    add(browser, vase)
    add(browser, lamp)
    check_out(browser, to="cart")
    browser.post("/cart/offered/answer/", {"leave": "1"})
    assert browser.url == f"{MALL}/cart/"
    assert at_till(browser) == {"Vase": 1}
    check_out(browser)
    assert browser.url == f"{MALL}/cart/offered/"


def test_offer_is_what_was_shown_whatever_its_owner_does_meanwhile(browser, lamp, vase):
    add(browser, vase)
    add(browser, lamp)
    check_out(browser)
    add_line(visitor=Cart.objects.get(lines__variant=lamp).visitor, variant_id=lamp.pk, quantity=3, now=timezone.now())
    browser.post("/cart/offered/answer/")

    assert at_till(browser) == {"Vase": 1, "Lamp": 1}


def test_removed_at_the_till_is_offered_and_not_added(browser, lamp):
    add(browser, lamp, 2)
    check_out(browser)
    at_till(browser)
    browser.post("/cart/change/", {"remove": lamp.pk})
    check_out(browser)

    assert browser.url == f"{MALL}/cart/offered/"
    browser.post("/cart/offered/answer/")
    assert at_till(browser) == {"Lamp": 2}


def test_strangers_ticket_adds_nothing_to_a_cart_with_lines(browser, lamp, vase):
    add(browser, vase)
    stranger = BrowserClient(headers=ALONE)
    add(stranger, lamp)
    browser.get(ticket_url(stranger))

    assert browser.url == f"{MALL}/cart/offered/"
    assert at_till(browser) == {"Vase": 1}


def ticket_url(browser):
    """Where the button leads, unopened."""
    browser.get("http://amber.localhost:8000/cart/")
    step = browser._from_page("POST", "/cart/change/")
    step.data = browser._csrf() | {"to": "checkout"}
    return browser.request(step, {"Origin": "http://amber.localhost:8000"})["Location"]


def test_ticket_adds_nothing_unasked_to_the_cart_of_an_account(shop, browser, lamp, django_user_model):
    user = django_user_model.objects.create_user(email="anna@example.org", password="x")
    browser.get(f"{MALL}/cart/")
    visitor = browser.response.wsgi_request.mall.ensure_visitor()
    visitor.user = user
    visitor.save()
    source = visitor_with(shop, lamp=(lamp, 1))
    offers = copies.copy_cart(source_visitor_id=source.pk, target=visitor, now=timezone.now())

    assert [offer.pieces for offer in offers] == [1]
    assert not Cart.objects.filter(visitor=visitor).exists()


@pytest.mark.parametrize("ticket", ["", "x", "A" * 43])
def test_ticket_that_is_none_leads_to_the_cart_with_words(browser, shop, ticket):
    browser.get(f"{MALL}/cart/from-store/?to=checkout&ticket={ticket}")

    assert browser.url == f"{MALL}/cart/"
    page = browser.response.content.decode()
    assert ("good for one minute" in page) is bool(ticket)


@pytest.mark.parametrize("to", ["", "https://evil.example", "//evil", "admin:index"])
def test_way_leads_to_known_pages_only(browser, lamp, to):
    add(browser, lamp)
    check_out(browser, to=to)

    assert browser.url == f"{MALL}/cart/"


def test_bought_goods_leave_the_stores_cart_too(browser, lamp):
    add(browser, lamp, 2)
    check_out(browser)
    add(browser, lamp, 1)
    visitor = CopiedLine.objects.get().target.visitor
    remove_bought(visitor_id=visitor.pk, bought={lamp.pk: 2})

    assert at_till(browser) == {}
    assert dict(Line.objects.values_list("variant__product__name", "quantity")) == {"Lamp": 1}
    assert copied() == {}
    check_out(browser)
    assert at_till(browser) == {"Lamp": 1}


def test_bought_pieces_are_taken_once_from_two_stores_carts(shop, lamp):
    first, second, till = (visitor_with(shop, lamp=(lamp, 2)), visitor_with(shop, lamp=(lamp, 2)), visitor_with(shop))
    for source in (first, second):
        offers = copies.copy_cart(source_visitor_id=source.pk, target=till, now=timezone.now())
        copies.add_offered(source_visitor_id=source.pk, target=till, offers=offers, now=timezone.now())
    remove_bought(visitor_id=till.pk, bought={lamp.pk: 3})

    assert sum(Line.objects.exclude(cart__visitor=till).values_list("quantity", flat=True)) == 1


def test_later_merge_of_the_two_visitors_doubles_nothing(shop, lamp, vase):
    store, till = visitor_with(shop, lamp=(lamp, 2)), Visitor.objects.create(community=shop.community)
    copies.copy_cart(source_visitor_id=store.pk, target=till, now=timezone.now())
    put(store, lamp, 1)
    put(till, vase, 1)
    merge_visitors(source=store, target=till, now=timezone.now())

    lines = Line.objects.filter(cart__visitor=till).values_list("variant__product__name", "quantity")
    assert dict(lines) == {"Lamp": 3, "Vase": 1}
    assert not CopiedLine.objects.exists()


def test_signing_in_at_the_till_doubles_nothing_of_the_accounts_own_cart(shop, lamp):
    """The store knows the account, the till a stranger with copies, who then signs in."""
    account, till = visitor_with(shop, lamp=(lamp, 2)), Visitor.objects.create(community=shop.community)
    copies.copy_cart(source_visitor_id=account.pk, target=till, now=timezone.now())
    put(till, lamp, 1)
    merge_carts(source=till, target=account, now=timezone.now())

    assert Line.objects.get(cart__visitor=account).quantity == 3


def test_till_that_is_merged_into_an_account_still_knows_its_copies(shop, lamp):
    store, till, own = (visitor_with(shop, lamp=(lamp, 2)), visitor_with(shop), visitor_with(shop))
    copies.copy_cart(source_visitor_id=store.pk, target=till, now=timezone.now())
    merge_carts(source=till, target=own, now=timezone.now())

    assert copies.copy_cart(source_visitor_id=store.pk, target=own, now=timezone.now()) == []
    assert Line.objects.get(cart__visitor=own).quantity == 2


def test_stores_cart_that_is_merged_still_knows_where_it_was_copied_to(shop, lamp):
    store, other, till = (visitor_with(shop, lamp=(lamp, 2)), visitor_with(shop), visitor_with(shop))
    copies.copy_cart(source_visitor_id=store.pk, target=till, now=timezone.now())
    merge_carts(source=store, target=other, now=timezone.now())
    copies.copy_cart(source_visitor_id=other.pk, target=till, now=timezone.now())

    assert Line.objects.get(cart__visitor=till).quantity == 2


def test_nothing_is_lost_where_fewer_are_left(shop, lamp):
    store, till = visitor_with(shop, lamp=(lamp, 4)), visitor_with(shop)
    put_on_hand(lamp, 1)
    copies.copy_cart(source_visitor_id=store.pk, target=till, now=timezone.now())

    assert Line.objects.get(cart__visitor=till).quantity == 4


@pytest.fixture
def committed_shop(transactional_db):
    return make_shop()


def test_tickets_that_arrive_together_copy_once(committed_shop):
    lamp = add_goods(committed_shop, "amber", "Lamp", on_hand=50)
    store, till = (
        visitor_with(committed_shop, lamp=(lamp, 2)),
        Visitor.objects.create(community=committed_shop.community),
    )
    gate, failed = threading.Barrier(8), []

    def arrive():
        try:
            gate.wait()
            copies.copy_cart(source_visitor_id=store.pk, target=till, now=timezone.now())
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=arrive) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert failed == []
    assert Line.objects.get(cart__visitor=till).quantity == 2
