"""Forms of the master whose answers lead to other hosts: no policy lists those, and no form is blocked."""

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver

from mall.accounts.models import User
from sessions_farm.communities.masters import announce_master
from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import registry
from sessions_farm.testing.browser import BlockedByPolicyError, BrowserClient
from sessions_farm.tests.support.addresses import addresses
from tests.support.shop import MASTER, add_goods, make_shop

MALL, AMBER = "http://mall.localhost:8000", "http://amber.localhost:8000"
ONWARD = "mall.onward.OnwardMiddleware"
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]


@pytest.fixture
def shop():
    return make_shop()


@pytest.fixture
def person(shop):
    return User.objects.create_user("anna@example.org", "correct horse")


def without_onward(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != ONWARD]


def header_bytes(response):
    return sum(len(f"{name}: {value}\r\n") for name, value in response.headers.items())


def with_domains(shop, count):
    here = Domain.objects.count()
    names = (f"a-long-name-of-a-vendor-{number:05}.example" for number in range(here, count))
    Domain.objects.bulk_create(Domain(community=shop.community, host=name, status="active") for name in names)
    registry.forget()
    assert len(registry.hosts_of(shop.community.pk)) == count


def test_headers_of_the_master_do_not_grow_with_domains(shop, scale):
    sizes = []
    for count in (10, 1_000, *((10_000,) if scale > 1 else ())):
        with_domains(shop, count)
        client = Client(headers={"host": MASTER} | NAVIGATION)
        client.get("/about/")
        sizes.append([header_bytes(client.get(path)) for path in ("/about/", "/cart/", "/accounts/login/")])

    assert [size == sizes[0] for size in sizes] == [True] * len(sizes)
    assert max(sizes[0]) < 1_200


def signed_in_at(path):
    browser = BrowserClient()
    browser.get(f"{MALL}/accounts/login/?next={path}")
    browser.post(browser.url, {"login": "anna@example.org", "password": "correct horse", "next": path})
    return browser


def test_sign_in_that_leads_to_a_store_on_its_own_host_ends_there(person):
    """The answer leads to a path of the master, which leads on to the store's host: the form's second redirect."""
    browser = signed_in_at("/stores/amber/about/")
    assert browser.url == f"{AMBER}/about/"
    assert [hop.status for hop in browser.hops][:2] == [302, 200]
    assert browser.response.wsgi_request.mall.signed_in


def test_sign_in_that_leads_into_a_hand_off_is_not_blocked(person):
    """An address with a store's mark makes the master ask that store: the redirect is the hand-off's own."""
    browser = signed_in_at("/cart/?_mall=fp.AAAAAAAAAAAAAAAA.amber.localhost")
    assert "amber.localhost" in {hop.host for hop in browser.hops}
    assert browser.url == f"{MALL}/cart/"
    assert browser.response.wsgi_request.mall.signed_in


def test_control_without_the_page_the_form_is_blocked(person, settings):
    without_onward(settings)
    with pytest.raises(BlockedByPolicyError):
        signed_in_at("/stores/amber/about/")


def test_goods_that_are_added_on_the_master_lead_back_to_a_store_that_has_moved(shop):
    vase = add_goods(shop, "basalt", "Vase")
    browser = BrowserClient()
    browser.get(f"{MALL}/stores/basalt/products/vase/")
    browser.post("/cart/add/", {"variant": vase.pk, "quantity": 1, "next": "/stores/amber/"})
    assert browser.url == f"{AMBER}/"


def test_no_form_of_the_master_is_blocked_wherever_it_leads(person):
    """Each URL of the master gets a form with the way to a store in every field that could name where to go next."""
    store = "/stores/amber/"
    browser = BrowserClient()
    ended = []
    browser.get(f"{MALL}/accounts/login/")
    form = browser.response  # its token is good for every form of this browser, until it signs in
    for path in addresses(get_resolver(settings.ROOT_URLCONF), {"<slug:store>": "basalt", "<slug:slug>": "things"}):
        if path.startswith(("/admin/", "/favicon.ico")):
            continue  # the admin's forms lead to its own pages
        browser.url, browser.response = f"{MALL}/accounts/login/", form
        browser.post(f"{path}?next={store}", {"next": store, "login": "anna@example.org", "password": "correct horse"})
        ended.append(browser.url)

    assert len(ended) > 50
    assert f"{AMBER}/" in ended


def test_change_of_the_master_leads_the_admin_to_the_new_one(shop):
    User.objects.create_superuser("root@example.org", "correct horse")
    domain = Domain.objects.get(host="amber.localhost")
    announce_master(community=shop.community, domain=domain)
    browser = BrowserClient()
    browser.get(f"{MALL}/accounts/login/")
    browser.post(browser.url, {"login": "root@example.org", "password": "correct horse"})
    page = f"/admin/communities/community/{shop.community.pk}/"
    browser.get(f"{MALL}{page}change/")
    browser.post(f"{page}change-over/", {"confirmed": str(domain.pk)})

    assert [hop.host for hop in browser.hops][:2] == [MASTER, "amber.localhost"]
    assert (browser.hops[0].method, browser.hops[0].status) == ("POST", 200)


def ask(path="/stores/amber/about/?x=1&y=2", method="get", host=MASTER, **headers):
    return getattr(Client(headers={"host": host} | headers), method)(path)


def test_page_in_the_place_of_a_redirect(shop):
    page = ask(**NAVIGATION | {"sec-fetch-site": "same-origin"})
    assert page.status_code == 200
    assert b'content="0; url=http://amber.localhost:8000/about/?x=1&amp;y=2"' in page.content
    assert b'href="http://amber.localhost:8000/about/?x=1&amp;y=2"' in page.content
    assert page["Cache-Control"] == "private, no-store"
    assert "mall" in page.cookies


@pytest.mark.parametrize(
    "headers",
    [
        NAVIGATION | {"sec-fetch-site": "none"},
        NAVIGATION | {"sec-fetch-site": "cross-site"},
        NAVIGATION | {"sec-fetch-site": "same-site", "referer": f"{MALL}/"},
        {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"},
        {"hx-request": "true", "referer": f"{MALL}/"},
        {"referer": "http://mall.localhost:8000.evil.test/"},
        {},
    ],
    ids=["typed", "from a store", "by a store", "script", "htmx", "stranger", "tool"],
)
def test_redirect_that_no_form_of_the_master_led_to_is_one(shop, headers):
    answer = ask(**headers)
    assert (answer.status_code, answer["Location"]) == (302, f"{AMBER}/about/?x=1&y=2")


def test_browser_without_fetch_metadata_is_known_by_its_referer(shop):
    assert ask(referer=f"{MALL}/accounts/login/").status_code == 200


def test_redirect_on_the_same_host_or_out_of_the_community_is_one(shop, settings):
    assert ask("/admin/", **NAVIGATION | {"sec-fetch-site": "same-origin"}).status_code == 302
    assert ask("/favicon.ico", **NAVIGATION | {"sec-fetch-site": "same-origin"}).status_code == 302


def test_stores_policy_is_its_own_host_and_the_master(shop):
    policy = ask("/about/", host="amber.localhost")["Content-Security-Policy"]
    assert "form-action 'self' http://mall.localhost:8000;" in f"{policy};"
    policy = ask("/about/")["Content-Security-Policy"]
    assert "form-action 'self';" in f"{policy};"
