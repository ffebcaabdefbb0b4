"""A browser without cookies shops by a token in its addresses; one with cookies never sees such an address."""

from __future__ import annotations

import re
import time

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.core.signing import b62_decode, b62_encode
from django.test import AsyncClient
from django.urls import get_script_prefix

from sessions_farm.communities.checks import check_communities
from sessions_farm.communities.handoff import paths
from sessions_farm.communities.identity import path_tokens
from sessions_farm.communities.models import Community, Domain, VisitorKey
from sessions_farm.communities.tests.support import cookieless_site
from sessions_farm.communities.tests.support.cookieless_site import MUNGED, Shopper
from sessions_farm.models import Session
from sessions_farm.testing.browser import AGENT, Step
from sessions_farm.tests.support.people import make_user

MALL, A, FAIR = "https://mall.test", "https://a.test", "https://c.test"
TOKEN = re.compile(r"/\(s:[\w-]{32,}\.[0-9A-Za-z]+\.[\w-]{43}\)")
HOUR = 3600
TEA, MILK, OWN = "green tea", "whole milk", "of my own"  # with spaces, as no random token on a page


@pytest.fixture
def site(walking_mall, settings):
    settings.MIDDLEWARE = cookieless_site.MIDDLEWARE
    settings.ROOT_URLCONF = cookieless_site.__name__
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.STATIC_URL = "/static/"
    settings.CSRF_FAILURE_VIEW = f"{cookieless_site.__name__}.refused"
    yield settings
    MUNGED.clear()


@pytest.fixture(autouse=True)
def opted_in(site):
    Community.objects.update(cookieless=True)


@pytest.fixture
def shopper():
    browser = Shopper()
    browser.get(f"{MALL}/p/x?y=1")
    return browser


@pytest.fixture
def customer(shopper):
    """Somebody who has something in the session."""
    shopper.post(f"{shopper.prefix}/add", {"line": TEA})
    assert TEA in shopper.text
    return shopper


def copy_of(browser, **headers):
    """A browser like another one, in the same network."""
    other = Shopper(**headers)
    other.address = browser.address
    return other


# Who is served how


def test_browser_without_cookies_gets_a_token_and_ends_on_the_page_it_wanted(shopper):
    assert [hop.status for hop in shopper.hops] == [302, 302, 200]
    assert TOKEN.fullmatch(shopper.prefix)
    assert shopper.url == f"{MALL}{shopper.prefix}/p/x?y=1"


def test_browser_with_cookies_is_asked_once_and_never_sees_a_token():
    browser = Shopper(cookies=True)
    browser.get(f"{MALL}/p/x?y=1")
    assert [hop.status for hop in browser.hops] == [302, 302, 200]
    assert browser.url == f"{MALL}/p/x?y=1"
    browser.click("/cart")
    assert (browser.redirects, "(s:" in browser.text) == (0, False)


def test_control_nobody_is_asked_where_the_community_has_not_opted_in():
    Community.objects.update(cookieless=False)
    browser = Shopper()
    assert (browser.get(f"{MALL}/p/x").status_code, browser.redirects, "(s:" in browser.text) == (200, 0, False)
    assert browser.get(f"{MALL}/(s:x)/p/x").status_code == 404


def test_communities_ship_without_it():
    assert Community(slug="new", name="New").cookieless is False


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "application/json"},
        {"User-Agent": "Googlebot/2.1"},
        {"HX-Request": "true"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Purpose": "prefetch"},
    ],
)
def test_who_is_no_person_at_a_page_is_not_asked(headers):
    browser = Shopper(**headers)
    browser.get(f"{A}/.mall/finish")
    assert "(s:" not in browser.hops[0].response.get("Location", "")
    browser.get(f"{FAIR}/cart")
    assert "(s:" not in browser.hops[0].response.get("Location", "")


def test_old_browser_that_says_nothing_of_itself_is_asked():
    browser = Shopper(**{"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None, "Sec-Fetch-Site": None})
    browser.get(f"{MALL}/cart")
    assert TOKEN.fullmatch(browser.prefix)


# What carries the token


def test_links_and_forms_carry_the_token_and_static_files_do_not(shopper):
    assert f'<a href="{shopper.prefix}/p/x">' in shopper.text
    assert f'action="{shopper.prefix}/add"' in shopper.text
    assert '<link href="/static/a.css">' in shopper.text


@pytest.mark.parametrize("in_session", [True, False])
def test_forms_work_and_redirects_keep_the_token(site, in_session):
    site.CSRF_USE_SESSIONS = in_session
    shopper = Shopper()
    shopper.get(f"{MALL}/cart")
    before = shopper.prefix
    for line in (TEA, MILK):
        shopper.post(f"{shopper.prefix}/add", {"line": line})
        assert shopper.url == f"{MALL}{before}/cart"
    assert TEA in shopper.text
    assert MILK in shopper.text
    assert shopper.with_prefix("/literal").status_code == 200
    assert shopper.url == f"{MALL}{before}/cart"


@pytest.mark.parametrize("in_session", [True, False])
def test_forms_of_others_are_refused(site, in_session):
    site.CSRF_USE_SESSIONS = in_session
    shopper, other = Shopper(), Shopper()
    for browser in (shopper, other):
        browser.get(f"{MALL}/cart")
    theirs = other._csrf()["csrfmiddlewaretoken"]
    for given in ("", "x" * 64, theirs):
        assert shopper.post(f"{shopper.prefix}/add", {"line": "x", "csrfmiddlewaretoken": given}).status_code == 403
        shopper.with_prefix("/cart")
    foreign = shopper.post(f"{shopper.prefix}/add", {"line": "x"}, Origin="https://evil.test")
    assert foreign.status_code == 403


@pytest.mark.parametrize("path", ["/cart", "/readonly", "/off", "/streamed", "/fail", "/nowhere", "/add"])
def test_answers_stay_with_the_browser(customer, path):
    answers = [customer.post(customer.prefix + path, {"line": "x"})] + [hop.response for hop in customer.hops]
    if path != "/add":
        answers.append(customer.with_prefix(path))
    for response in answers:
        headers = [response[name] for name in ("Cache-Control", "Referrer-Policy", "X-Robots-Tag")]
        assert headers == ["private, no-store", "no-referrer", "noindex"]
        assert dict(response.cookies) == {}


def test_redirects_to_other_hosts_carry_nothing(customer):
    step = Step("GET", f"{MALL}{customer.prefix}/away", "", "none")
    assert customer.request(step)["Location"] == "https://pay.test/cart"


def test_streamed_pages_carry_the_token(customer):
    response = customer.with_prefix("/streamed")
    assert b"".join(response).decode() == f"{customer.prefix}/p/a{customer.prefix}/p/b"


def test_script_prefix_is_given_back(customer):
    customer.with_prefix("/cart")
    assert get_script_prefix() == "/"
    assert Shopper(cookies=True).get(f"{MALL}/cart").status_code == 200


def test_relative_static_url_takes_no_visitors_token(site):
    """Django reckons it once for the process, with the script prefix of that moment."""
    site.STATIC_URL = "static/"
    shopper = Shopper()
    shopper.get(f"{MALL}/cart")
    assert '<link href="/static/a.css">' in shopper.text
    assert django_settings.STATIC_URL == "/static/"


@pytest.mark.parametrize("path", ["/.mall/authorize?m=a.test", "/static/a.css", "/media/a.png"])
def test_bare_paths_are_asked_for_without_the_token(site, shopper, path):
    site.MEDIA_URL = "/media/"
    shopper.with_prefix(path)
    assert shopper.hops[0].response["Location"] == path


def test_async_views_have_the_session_and_the_links():
    mall = Community.objects.get(slug="mall")
    Domain.objects.create(community=mall, host="testserver", status="active")  # whom this client asks
    shopper, client = Shopper(), AsyncClient()
    shopper.address = "127.0.0.1"
    shopper.get("https://testserver/cart")
    said = {"user-agent": AGENT, "accept": "text/html"}

    async def get(path):
        return await client.get(path, secure=True, headers=said)

    for before in ([], ["async"]):
        response = async_to_sync(get)(f"{shopper.prefix}/seen")
        assert response.json() == {"lines": before, "link": f"{shopper.prefix}/cart"}
        assert (response["Referrer-Policy"], dict(response.cookies)) == ("no-referrer", {})
    assert "async" in shopper.with_prefix("/cart").content.decode()
    assert async_to_sync(get)("/seen")["Location"] == "/(s:ask)/seen"


# What a token is good for


def spoilt(prefix):
    """Wrong in shape, in each part, and in each way of writing."""
    session_id, issued, mac = prefix.removeprefix("/(s:").removesuffix(")").split(".")
    return [
        "/(s:)",
        "/(s:v1)",
        "/(s:ask2)",
        f"/(s:{session_id}.{issued}.{'A' * 43})",
        f"/(s:{session_id.swapcase()}.{issued}.{mac})",
        f"/(s:{session_id}.{b62_encode(b62_decode(issued) + 1)}.{mac})",
        f"/(s:v1.{session_id}.{issued}.{mac})",
        f"/(s:{session_id}.{issued}.{mac}%00)",
        f"/(s:{session_id}.{issued}.{mac}{'x' * 4000})",
    ]


def starts_afresh(browser, address):
    """That the address leads by its clean form to an empty session, without an error."""
    browser.get(address)
    assert browser.hops[0].status == 302
    assert "(s:" not in browser.hops[0].response["Location"]
    assert (browser.response.status_code, TEA in browser.text) == (200, False)
    return True


def test_tampered_token_starts_afresh(customer):
    for prefix in spoilt(customer.prefix):
        assert starts_afresh(copy_of(customer), f"{MALL}{prefix}/cart")
    assert TEA in customer.with_prefix("/cart").content.decode()


@pytest.mark.parametrize("change", ["browser", "network", "host", "community", "later"])
def test_token_elsewhere_starts_afresh(customer, change):
    browser, address = copy_of(customer), f"{MALL}{customer.prefix}/cart"
    assert TEA in browser.get(address).content.decode()  # the control: the same kind of browser, the same network
    if change == "browser":
        browser.headers["User-Agent"] = "Another/1.0"
    elif change == "network":
        browser.address = "10.99.1.1"
    elif change == "later":
        with time_machine.travel(time.time() + 2 * HOUR + 60):
            assert starts_afresh(browser, address)
        return
    assert starts_afresh(browser, address.replace(MALL, {"host": A, "community": FAIR}.get(change, MALL)))


@pytest.mark.parametrize(("addresses", "same"), [
    (("192.0.2.1", "192.0.2.254"), True),
    (("192.0.2.1", "192.0.3.1"), False),
    (("2001:db8:1:1::1", "2001:db8:1:2::9"), True),
    (("2001:db8:1::1", "2001:db8:2::1"), False),
    (("::ffff:192.0.2.1", "192.0.2.7"), True),
    (("", ""), True),
])  # fmt: skip
def test_network_is_coarse(rf, addresses, same):
    networks = {
        path_tokens.network_of(rf.get("/", REMOTE_ADDR=address), **path_tokens.NETWORK_BITS) for address in addresses
    }
    assert (len(networks) == 1) is same


def test_post_with_a_bad_token_touches_no_session_and_is_no_error_of_its_own(customer):
    other = copy_of(customer)
    other.get(f"{MALL}/cart")
    for prefix in spoilt(customer.prefix):
        assert (
            other.post(f"{prefix}/add", {"line": "sneaked"}).status_code == 403
        )  # its form is no form of this session
    assert Session.objects.count() == 1
    assert "sneaked" not in customer.with_prefix("/cart").content.decode()


def test_old_key_is_accepted_and_a_raised_epoch_is_not(site, customer):
    site.SECRET_KEY_FALLBACKS, site.SECRET_KEY = [site.SECRET_KEY], "the-next-one" * 5
    assert TEA in customer.with_prefix("/cart").content.decode()
    Community.objects.update(key_epoch=2)
    assert starts_afresh(copy_of(customer), f"{MALL}{customer.prefix}/cart")


def test_cookie_is_no_token_and_token_no_cookie(customer):
    browser = Shopper(cookies=True)
    browser.get(f"{MALL}/cart")
    browser.post("/add", {"line": TEA})
    (value,) = [value for name, value in browser.jar("mall.test").items() if value.count(".") == 2]
    assert starts_afresh(copy_of(browser), f"{MALL}/(s:{value})/cart")
    browser.plant("mall.test", "__Host-Http-mall", customer.prefix.removeprefix("/(s:").removesuffix(")"))
    assert TEA not in browser.get(f"{MALL}/cart").content.decode()


def test_whoever_sends_a_cookie_is_served_with_cookies(customer):
    """Also a victim who was sent an address with somebody's token: no session can be planted."""
    victim = copy_of(customer)
    victim.cookies.accepts = True
    victim.get(f"{MALL}/cart")
    assert starts_afresh(victim, f"{MALL}{customer.prefix}/cart")
    assert victim.url == f"{MALL}/cart"
    victim.post(f"{customer.prefix}/add", {"line": OWN})
    assert (victim.url, OWN in victim.text, TEA in victim.text) == (f"{MALL}/cart", True, False)
    assert OWN not in customer.with_prefix("/cart").content.decode()


@pytest.mark.parametrize("path", ["//evil.test/", "/\\evil.test/", "/%5Cevil.test", "//evil.test//x", "/%09/evil.test"])
@pytest.mark.parametrize("token", ["x", "ask"])
def test_no_token_leads_to_another_host(path, token):
    location = Shopper().request(Step("GET", f"{MALL}/(s:{token}){path}", "", "none"))["Location"]
    assert re.match(r"/[^/\\]", location)
    assert "evil.test" in location


def test_links_of_a_page_get_a_fresh_token_after_a_quarter_of_its_life(customer):
    before, begun = customer.prefix, time.time()
    with time_machine.travel(begun + HOUR / 4):
        assert f'href="{before}/p/x"' in customer.with_prefix("/cart").content.decode()
    with time_machine.travel(begun + HOUR * 3 / 4, tick=False):
        link = re.search(r'href="([^"]+)/p/x"', customer.with_prefix("/cart").content.decode())[1]
        assert link != before
        customer.click(f"{link}/p/x")
    with time_machine.travel(begun + HOUR * 2.5, tick=False):
        customer.with_prefix("/cart")
        assert customer.redirects == 0


def test_nothing_is_stored_for_who_only_looks(shopper):
    shopper.with_prefix("/p/x")
    assert (Session.objects.count(), VisitorKey.objects.count()) == (0, 0)


def test_no_hand_off_without_cookies():
    shopper = Shopper()
    shopper.get(f"{A}/cart")
    assert [hop.host for hop in shopper.hops] == ["a.test"] * 3
    shopper.post(f"{shopper.prefix}/add", {"line": TEA})
    assert TEA in shopper.text
    assert {hop.host for hop in shopper.hops} == {"a.test"}


# Who is signed in


def sign_in(browser, user, **data):
    return browser.post(f"{browser.prefix}/in", {"pk": user.pk, **data})


@pytest.mark.parametrize("data", [{}, {"page": "1"}])
def test_sign_in_gives_another_token_and_the_old_one_opens_nothing(customer, data):
    user, before, thief = make_user(), customer.prefix, copy_of(customer)
    sign_in(customer, user, **data)
    link = re.search(r'href="([^"]+)/p/x"', customer.text)[1]
    assert before not in customer.text
    customer.get(f"{MALL}{link}/cart")
    assert f"[&#x27;{TEA}&#x27;] {user.pk}" in customer.text
    assert f" {user.pk}" not in thief.get(f"{MALL}{before}/cart").content.decode()
    customer.post(f"{customer.prefix}/add", {"line": MILK})
    assert MILK in customer.text


def test_sign_out_gives_another_token_too(customer):
    user = make_user()
    sign_in(customer, user)
    before = customer.prefix
    customer.post(f"{before}/out")
    assert customer.prefix not in {"", before}
    assert TEA not in customer.text
    assert f" {user.pk}" not in copy_of(customer).get(f"{MALL}{before}/cart").content.decode()
    customer.post(f"{customer.prefix}/add", {"line": MILK})
    assert MILK in customer.text


@pytest.mark.parametrize("role", [{"is_staff": True}, {"is_superuser": True}, {"works": True}])
def test_staff_sign_in_with_cookies_only(site, customer, role):
    works = role.pop("works", False)
    user = make_user(**role)
    if works:
        site.SESSIONS_FARM_COMMUNITIES = site.SESSIONS_FARM_COMMUNITIES | {"STAFF_OF": f"{__name__}.vendors_of"}
    assert sign_in(customer, user).status_code == 403
    assert f" {user.pk}" not in customer.with_prefix("/cart").content.decode()
    assert not Session.objects.exists()

    browser = Shopper(cookies=True)  # the control
    browser.get(f"{MALL}/cart")
    browser.post("/in", {"pk": user.pk})
    assert f" {user.pk}" in browser.text


def vendors_of(user):
    return [7]


def test_who_becomes_staff_is_signed_out(customer):
    user = make_user()
    sign_in(customer, user)
    assert f" {user.pk}" in customer.with_prefix("/cart").content.decode()
    user.is_staff = True
    user.save()
    assert customer.with_prefix("/cart").status_code == 403
    assert not Session.objects.exists()


# Addresses for applications outside


def test_munged_address_leads_back_to_the_visitor(customer):
    MUNGED[:] = ["/cart?paid=1", f"{MALL}/cart", "/static/a.css", "/.mall/finish", f"{customer.prefix}/cart", MALL]
    customer.with_prefix("/cart")
    inside = f"{MALL}{customer.prefix}"
    assert [
        f"{inside}/cart?paid=1", f"{inside}/cart", f"{MALL}/static/a.css", f"{MALL}/.mall/finish", f"{inside}/cart",
        f"{inside}/",
    ] == MUNGED  # fmt: skip
    back = customer.get(MUNGED[0], **{"Sec-Fetch-Site": "cross-site"})
    assert TEA in back.content.decode()


def test_munged_address_of_a_visitor_with_cookies_is_absolute_and_no_more():
    MUNGED[:] = ["/cart?paid=1", f"{MALL}/cart"]
    Shopper(cookies=True).get(f"{MALL}/cart")
    assert [f"{MALL}/cart?paid=1", f"{MALL}/cart"] == MUNGED


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/cart", "//evil.test/cart", "/\\evil.test", "https://mall.test@evil.test/", "cart", "",
        "https://mall.test.evil.test/", "http://a.test/", "javascript:alert(1)", "/\t/evil.test", "https:/cart",
        "https://mall.test:8443/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("cookies", [True, False])
def test_address_of_another_host_is_not_munged(url, cookies):
    MUNGED[:] = [url]
    with pytest.raises(ValueError, match=r"not on this host \(https://mall\.test\)"):
        Shopper(cookies=cookies).get(f"{MALL}/cart")


def test_logs_show_no_token(customer):
    line = f"GET {MALL}{customer.prefix}/cart?next=/%28s%3A{customer.prefix[4:-1]}%29/x"
    assert paths.redact(line) == f"GET {MALL}/(s:REDACTED)/cart?next=/%28s%3AREDACTED%29/x"
    assert paths.redact("GET /p/v1.2") == "GET /p/v1.2"


# What is wrong in the settings


def faults():
    return {
        message.id.removeprefix("communities."): message.hint for message in check_communities(databases=["default"])
    }


def test_risk_is_told_where_it_is_taken(site):
    assert list(faults()) == ["W021"]
    Community.objects.update(cookieless=False)
    assert faults() == {}
    assert check_communities(databases=None) == []


def test_wrong_places_are_told(site):
    whole = list(site.MIDDLEWARE)
    site.MIDDLEWARE = [path for path in whole if "CookielessMiddleware" not in path]
    assert "between" in faults()["E027"]
    site.MIDDLEWARE = [*site.MIDDLEWARE, "sessions_farm.communities.cookieless.CookielessMiddleware"]
    assert "between" in faults()["E027"]
    site.MIDDLEWARE = whole
    site.MIDDLEWARE = [path for path in site.MIDDLEWARE if "HostMiddleware" not in path and "csrf" not in path]
    assert "HostMiddleware" in faults()["E023"]
    site.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware", *site.MIDDLEWARE]
    assert "SessionMiddleware before" in faults()["E024"]
