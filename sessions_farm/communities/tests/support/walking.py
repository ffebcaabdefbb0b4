"""What the tests of the hand-off do with a browser, step by step."""

from urllib.parse import parse_qs, urlencode, urlsplit

from django.contrib.auth import login

from sessions_farm.communities.tests.support.handoff_site import LINES, ON_PAGE
from sessions_farm.testing.browser import Step
from sessions_farm.testing.jar import Cookie
from sessions_farm.tests.support.people import make_user

A, B, SHOP, MALL = "https://a.test", "https://b.test", "https://x.shops.test", "https://mall.test"
COOKIE = "__Host-Http-mall"
# What a browser without Fetch Metadata sends: Safari before 16.4, many inside applications, any over plain HTTP.
SILENT = dict.fromkeys(("Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "Sec-Fetch-User"))
ELDERLY = SILENT | {"Upgrade-Insecure-Requests": "1", "Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def typed(url):
    """The first request of an address that was typed in."""
    return Step("GET", url, "", "none")


def mall_of(browser):
    return browser.response.wsgi_request.mall


def lines_of(browser):
    visitor = mall_of(browser).visitor
    return LINES[visitor.pk] if visitor else []


def sign_in(browser):
    """What the master's login view does, in a request of this browser."""
    user = make_user()
    ON_PAGE.append(lambda request: login(request, user, "django.contrib.auth.backends.ModelBackend"))
    browser.get(f"{MALL}/")
    assert mall_of(browser).signed_in


def go(browser, url, **headers):
    """One request of a navigation; no redirect followed."""
    return browser.request(Step("GET", url, "", "none"), headers)


def asked(browser, shop=A):
    """The question to the authority, as the browser was sent with it."""
    return go(browser, f"{shop}/p/x")["Location"]


def answered(browser, shop=A):
    """The address that brings the code."""
    return go(browser, asked(browser, shop))["Location"]


def with_changed(url, **changes):
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(query=urlencode({k: v for k, v in query.items() if v is not None})).geturl()


def has_session(browser, host="a.test"):
    return COOKIE in browser.jar(host)


def id_in(browser, host="a.test"):
    """The id in the session cookie of a host."""
    return browser.jar(host)[COOKIE].split(".")[0]


def gone(name):
    return Cookie(name, "", expires=0)
