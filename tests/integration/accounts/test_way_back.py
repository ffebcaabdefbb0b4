"""Sign-in leads back to where one was, over hosts too, and never out of the community."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.testing.browser import BrowserClient
from tests.integration.accounts.conftest import PASSWORD, client_of, make_order
from tests.support.shop import add_goods

MALL, AMBER = "http://mall.localhost:8000", "http://amber.localhost:8000"
HERE = {"login": "anna@example.org", "password": PASSWORD}


@pytest.fixture
def browser(shop, anna):
    add_goods(shop, "amber", "Lamp")
    return BrowserClient()


def sign_in_link(browser):
    return re.search(r'href="([^"]*/accounts/login/[^"]*)"', browser.response.text)[1].replace("&amp;", "&")


@pytest.mark.parametrize("page", [f"{AMBER}/products/lamp/", f"{AMBER}/search/?q=lamp&sort=price", f"{MALL}/about/"])
def test_sign_in_comes_back_to_the_page_where_it_was_asked_for(browser, page):
    browser.get(page)
    link = sign_in_link(browser)
    browser.get(link if link.startswith("http") else MALL + link)
    browser.post(
        "/accounts/login/",
        HERE | {"next": re.search(r'name="next" value="([^"]*)"', browser.response.text)[1].replace("&amp;", "&")},
    )
    assert browser.url == page
    assert "Your account" in browser.response.text
    browser.get(f"{AMBER}/")
    assert "Your account" in browser.response.text


def test_new_account_comes_back_too(browser, mailoutbox):
    browser.get(f"{AMBER}/products/lamp/")
    browser.get(sign_in_link(browser))
    signup = re.search(r'href="(/accounts/signup/[^"]*)"', browser.response.text)[1].replace("&amp;", "&")
    browser.get(MALL + signup)
    back = re.search(r'name="next" value="([^"]*)"', browser.response.text)[1]
    browser.post("/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD, "next": back})
    link = re.search(r"http\S+/confirm-email/\S+", mailoutbox[0].body)[0]
    browser.get(link)
    browser.post(urlsplit(link).path, {})
    assert browser.url == f"{AMBER}/products/lamp/"
    assert "Your account" in browser.response.text


@pytest.mark.parametrize(
    "place",
    [
        "http://evil.example/", "//evil.example/", "http://amber.localhost:8000@evil.example/", "javascript:alert(1)",
        "http://amber.localhost.evil.example/", "http://amber.localhost:8001/", "http:///evil.example",
        "\\\\evil.example",
        "ftp://amber.localhost:8000/", "http://bazaar.localhost:8000/", "http://[amber.localhost:8000/",
        "http://user@amber.localhost:8000/",
    ],
)  # fmt: skip
def test_sign_in_leads_nowhere_else(shop, anna, place):
    other = Community.objects.create(slug="bazaar", name="Bazaar", cookie_name="bazaar")
    other.master = Domain.objects.create(community=other, host="bazaar.localhost", status="active")
    other.save()
    registry.forget()
    answer = client_of().post("/accounts/login/", HERE | {"next": place})
    assert answer.status_code == 302
    assert answer["Location"] == "/"


def test_entrances_pass_on_where_they_come_from(shop):
    page = client_of().get("/accounts/login/", {"next": f"{AMBER}/about/"})
    links = {parse_qs(urlsplit(link).query)["next"][0] for link in re.findall(r'href="([^"]*next=[^"]*)"', page.text)}
    assert links == {f"{AMBER}/about/"}


def test_a_page_that_a_form_showed_is_no_place_to_come_back_to(shop):
    answer = client_of().post("/orders/find/", {"number": "", "email": ""})
    assert 'href="/accounts/login/"' in answer.text


def test_marks_of_one_way_are_left_behind(shop):
    page = client_of().get("/about/", {"_mall": "nc", "ticket": "x", "a": "b"})
    assert "next=%2Fabout%2F%3Fa%3Db" in page.text


def test_an_address_that_is_a_key_is_in_no_other_address(shop):
    order = make_order(shop)
    own = order.get_absolute_url()  # one token: that of another second is another address
    page = client_of().get(own)
    assert 'href="/accounts/login/?next=%2Faccounts%2F"' in page.text
    links = re.findall(r'href="([^"]*)"', page.text)
    assert [link for link in links if order.uuid.hex in link and not link.startswith(own)] == []
