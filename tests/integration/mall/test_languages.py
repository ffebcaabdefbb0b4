"""German beside English: the community's language, the shopper's choice on every host, and no English left over."""

import re
from html.parser import HTMLParser
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as project
from django.test import Client
from django.utils import timezone, translation

from cart.letters import composing
from cart.letters.models import Letter
from cart.orders.models import Consignment, Order
from cart.stock_alerts import services as stock_alerts
from cart.stock_alerts.links import alert_path
from cart.stock_alerts.models import StockAlert
from mall.accounts.mail import KINDS as ACCOUNT_KINDS
from mall.accounts.models import User
from mall.admin_site.mail_kinds import GROUPS
from mall.translations import catalogues
from sessions_farm.communities.registry import registry
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.testing.browser import BrowserClient
from tests.support import checkout_walk
from tests.support.shop import ADDRESS, MASTER, add_goods, add_vendor, make_shop, put_on_hand
from vendors.mail import Sender, render_mail
from vendors.models import Marketplace, Review
from vendors.money import Money

STORE = "amber.localhost"
STORE_PAGES = [
    "", "products/lamp/", "departments/things/", "search/", "search/?q=lamp", "search/?q=zzzz", "about/", "delivery/",
    "support/",
]  # fmt: skip
PAGES = [
    "/", "/?shop=zzzz", "/about/", "/privacy/", "/search/", "/search/?q=lamp&low=1&high=x", "/search/?q=zzzz",
    "/departments/things/", "/departments/things/?stock=1&low=5000", "/cart/", "/orders/find/", "/accounts/login/",
    "/accounts/signup/", "/accounts/password/reset/", "/accounts/password/reset/done/", "/accounts/confirm-email/",
    "/watching/consent/", "/nowhere/", *(f"/stores/basalt/{page}" for page in STORE_PAGES),
]  # fmt: skip
ACCOUNT_PAGES = [
    "/accounts/", "/orders/", "/orders/claim/", "/accounts/addresses/", "/accounts/addresses/add/", "/accounts/name/",
    "/accounts/email/", "/accounts/password/change/", "/accounts/2fa/", "/accounts/devices/", "/accounts/data/",
    "/accounts/data/export/", "/accounts/data/delete/", "/accounts/logout/", "/accounts/waiting/",
]  # fmt: skip
ENGLISH = re.compile(
    r"\b(?:the|and|your|with|this|that|you|of|to|for|from|are|have|not|is|it|what|please|enter)\b", re.IGNORECASE
)
SPOKEN = {"aria-label", "alt", "placeholder", "title"}


class Words(HTMLParser):
    """The texts of a page, those of spoken attributes among them, each by itself."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.silent = [], 0
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.silent += tag in {"script", "style", "code", "option", "blockquote"}
        self.texts += [value for name, value in attrs if name in SPOKEN and value]

    def handle_endtag(self, tag):
        self.silent -= tag in {"script", "style", "code", "option", "blockquote"}

    def handle_data(self, data):
        if not self.silent and data.strip():
            self.texts.append(" ".join(data.split()))


def english_in(page):
    """What of a German page is English: a text of the catalogue as it was, or English words."""
    found = []
    for text in Words(page).texts:
        is_english = text in untranslated() or ENGLISH.search(NAMES.sub("", text))
        found += [text] if is_english else []
    return found


# What is English in every language; and numbers of orders, one of which may be M-THAT-29.
NAMES = re.compile(r"The Arcade|Fowlers of Sligo|Harris tweed cushion|The mall Ltd|\bM-\w{4}-\w\w\b")


def untranslated(_kept=[]):  # noqa: B006 -- read once
    if not _kept:
        paths = [path for place in catalogues.places() for path in place.catalogues()]
        _kept.append(
            {m.id for path in paths for m in catalogues.read(path) if isinstance(m.id, str) and m.id != m.string} - {""}
        )
    return _kept[0]


@pytest.fixture
def shop(db, redis_client, settings):
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT, settings.DEMO = "http", 8000, False
    made = make_shop(handoff_policy="off")
    add_goods(made, "amber", "Lamp", price=123456)
    add_goods(made, "basalt", "Lamp", price=100000)
    yield made
    registry.forget()


def german(host=MASTER):
    client = Client(headers={"host": f"{host}:8000"})
    response = client.post("/language/", {"language": "de", "next": "/"})
    assert (response.status_code, response["Location"]) == (303, "/")
    return client


def test_page_is_in_the_language_of_its_community_and_says_so(shop):
    client = Client(headers={"host": MASTER})
    response = client.get("/about/")
    assert '<html lang="en-IE"' in " ".join(response.text.split())
    assert response["Content-Language"] == "en-IE"
    assert "Cookie" in response["Vary"]

    Marketplace.objects.update(language="de")
    registry.forget()
    response = client.get("/about/")
    assert '<html lang="de"' in " ".join(response.text.split())
    assert response["Content-Language"] == "de"
    assert "So funktioniert" in response.text


def test_choice_is_kept_and_leads_back_to_the_page(shop):
    client = Client(headers={"host": f"{MASTER}:8000"})
    page = " ".join(client.get("/search/?q=lamp&language=en-ie").text.split())
    assert 'name="next" value="/search/?q=lamp"' in page
    assert client.post("/language/", {"language": "de", "next": "/search/?q=lamp"})["Location"] == "/search/?q=lamp"
    assert "Sortieren nach" in client.get("/search/?q=lamp").text
    client.post("/language/", {"language": "en-ie", "next": "/"})
    assert "Sort by" in client.get("/search/?q=lamp").text


def test_choice_needs_a_language_on_offer_and_leads_to_no_other_site(shop):
    client = Client(headers={"host": f"{MASTER}:8000"})
    assert client.post("/language/", {"language": "tlh"}).status_code == 400
    assert client.get("/language/").status_code == 405
    for away in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        assert client.post("/language/", {"language": "de", "next": away})["Location"] == "/"
    assert (
        Client(enforce_csrf_checks=True, headers={"host": MASTER}).post("/language/", {"language": "de"}).status_code
        == 403
    )


def test_page_of_a_form_that_was_refused_leads_back_to_where_it_can_be_read(shop):
    client = german()
    client.post("/cart/add/", {"variant": 0, "quantity": 1, "next": "/cart/"})
    response = client.post(
        "/accounts/login/", {"login": "x"}, headers={"referer": f"http://{MASTER}:8000/accounts/login/?next=/cart/"}
    )
    assert 'name="next" value="/accounts/login/?next=/cart/"' in " ".join(response.text.split())


def test_no_english_is_left_on_german_pages(shop):
    browsers, left = {host: german(host) for host in (MASTER, STORE)}, {}
    for host, path in [*((MASTER, path) for path in PAGES), *((STORE, f"/{page}") for page in STORE_PAGES)]:
        response = browsers[host].get(path)
        assert response.status_code in {200, 404}, path
        assert response["Content-Language"] == "de", path
        left[host, path] = english_in(response.text)
    assert {page: texts for page, texts in left.items() if texts} == {}


def test_english_is_found_on_a_page():
    assert english_in("<p>Danke</p><p>Sold out</p><p>Ask the shop</p>") == ["Sold out", "Ask the shop"]
    assert english_in('<a aria-label="Your cart" href="/">3</a>') == ["Your cart"]


def test_no_english_is_left_in_an_account(shop):
    client = german()
    user = User.objects.create_user("anna@example.org", "open sesame 7")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    client.force_login(user)
    client.post("/language/", {"language": "de", "next": "/"})
    client.defaults["HTTP_USER_AGENT"] = "Mozilla/5.0 (iPhone) Safari/604"
    left = {}
    for path in ACCOUNT_PAGES:
        response = client.get(path, follow=True)
        assert response.status_code == 200, path
        left[path] = english_in(response.text)
    bad = client.post("/accounts/password/change/", {"oldpassword": "x", "password1": "y", "password2": "z"})
    left["bad password"] = english_in(bad.text)
    left["bad address"] = english_in(client.post("/accounts/addresses/add/", {"country": "IE", "postcode": "x"}).text)
    assert {path: texts for path, texts in left.items() if texts} == {}


def test_no_english_is_left_on_the_way_to_an_order(shop, django_capture_on_commit_callbacks):
    amber, basalt = (shop.vendors[slug].products.get().variants.get() for slug in ("amber", "basalt"))
    client, left = german(), {}

    def look(name, response):
        left[name] = english_in(response.text)
        return response

    for variant in (amber, basalt):
        client.post("/cart/add/", {"variant": variant.pk, "quantity": 2, "next": "/cart/"})
    look("cart", client.get("/cart/"))
    look("no address", client.post("/checkout/", {}))
    look("wrong address", client.post("/checkout/", ADDRESS | {"postcode": "x", "phone": "1", "email": "x"}))
    client.post("/checkout/", ADDRESS)
    look("delivery", client.get("/checkout/delivery/"))
    look("no delivery", client.post("/checkout/delivery/", {}))
    client.post("/checkout/delivery/", {f"vendor-{each.product.vendor_id}": "standard" for each in (amber, basalt)})
    review = look("review", client.get("/checkout/review/"))
    assert "2.469,12\xa0€" in review.text
    with django_capture_on_commit_callbacks(execute=False):
        payment = client.post("/checkout/pay/", checkout_walk.hidden(review))["Location"]
        look("payment", client.get(payment))
        look("no card", client.post(payment, {"number": "1", "expiry": "x", "code": "y"}))
        back = client.post(payment, {"number": checkout_walk.PAYS, "expiry": "04 / 30", "code": "123"})["Location"]
        order_page = client.get(back)["Location"]
    look("order", client.get(order_page))
    order = Order.objects.get()
    assert order.language == "de"
    look_below(order_page, order, client, look)
    assert {name: texts for name, texts in left.items() if texts} == {}


def look_below(order_page, order, client, look):
    """Look at the pages of an order on which its goods come back, are asked about, reviewed and cancelled."""
    Consignment.objects.filter(order=order).update(state="sent", sent_at=timezone.now())
    number, line = order.consignments.first().number, order.consignments.first().lines.get()
    for page in (f"return/{number}/", f"ask/{number}/", f"review/{line.pk}/", "address/"):
        response = look(page, client.get(order_page + page))
        assert response.status_code == 200, page
        look(f"empty {page}", client.post(order_page + page, {}))
    look("thanks", client.post(f"{order_page}review/{line.pk}/", {"stars": "4"}, follow=True))
    for state in ("waiting", "published"):
        Review.objects.update(state=state)
        look(f"{state} review", client.get(f"{order_page}review/{line.pk}/"))
    look("taken back", client.post(f"{order_page}review/{line.pk}/", {"button": "take_back"}, follow=True))
    Consignment.objects.filter(order=order).update(state="packing", sent_at=None)
    assert look("cancel", client.get(f"{order_page}cancel/")).status_code == 200
    look("cancel nothing", client.post(f"{order_page}cancel/", {}))


def test_no_english_is_left_about_reviews(shop):
    client, product = german(STORE), shop.vendors["amber"].products.get()
    review = Review.objects.create(
        product=product, line=1, order=uuid4(), stars=4, state="published", answer="Danke.", written_at=timezone.now()
    )
    left = {}
    report = f"/products/lamp/reviews/{review.pk}/report/"
    for path in ("/products/lamp/", "/products/lamp/reviews/", "/departments/things/", report):
        response = client.get(path)
        assert response.status_code == 200, path
        left[path] = english_in(response.text)
    page = " ".join(client.get("/products/lamp/").text.split())
    assert "4,0 von 5 Sternen, von 1 Käufer" in page
    assert '"ratingValue": "4.0"' in page, "robots read a point"
    left["no words"] = english_in(client.post(report, {}).text)
    left["thanks"] = english_in(client.post(report, {"why": "Werbung"}, follow=True).text)
    assert {path: texts for path, texts in left.items() if texts} == {}


def test_no_english_is_left_of_a_list_walked_and_of_what_was_looked_at(db, redis_client, settings):
    settings.DEMO = False  # the figures of the demo are English
    shop, browser, left = make_shop(), BrowserClient(), {}
    for name in ("Jug", "Lamp"):
        add_goods(shop, "amber", name)
    browser.get(f"http://{STORE}:8000/about/")
    browser.post("/language/", {"language": "de", "next": "/about/"})
    for origin, back in (("shop.things", "Things"), ("new", "den neuesten Artikeln"), ("shop&q=lamp", "„lamp“")):
        address = f"http://{STORE}:8000/products/lamp/?list={origin}"
        browser.get(address)
        assert f"Zurück zu {back}<" in " ".join(browser.response.text.split()).replace(" <", "<"), origin
        left[address] = english_in(browser.response.text)
    for address in (f"http://{STORE}:8000/products/jug/", f"http://{MASTER}:8000/cart/"):
        left[address] = english_in(browser.get(address).text)
        assert "Das haben Sie angesehen" in browser.response.text
    browser.post("/viewed/forget/", {"next": "/cart/"})
    left["forgotten"] = english_in(browser.response.text)
    assert "Vergessen. Keine Seite zeigt mehr" in browser.response.text
    assert {address: texts for address, texts in left.items() if texts} == {}
    registry.forget()


def test_no_english_is_left_on_the_way_to_a_letter_when_goods_are_back(shop):
    client, kettle, left = german(), add_goods(shop, "amber", "Kettle", on_hand=0), {}

    def look(name, response):
        left[name] = english_in(response.text)

    path = f"/alerts/of/{kettle.pk}/"
    look("ask", client.get(path))
    look("wrong address", client.post(path, {"email": "x"}))
    look("asked", client.post(path, {"email": "anna@example.org"}, follow=True))
    alert = StockAlert.objects.get()
    assert alert.language == "de"
    link = alert_path(alert.uuid)
    look("link", client.get(link))
    look("confirmed", client.post(link, {"do": "confirm"}))
    put_on_hand(kettle, 3)
    assert stock_alerts.write_due_letters(timezone.now()) == 1
    subjects = [composing.compose(letter).subject for letter in Letter.objects.order_by("pk")]
    assert subjects == ["Sollen wir schreiben, wenn Kettle wieder da ist?", "Kettle ist wieder da bei Amber"]
    look("back", client.get(path))
    look("sent", client.get(link))
    look("ended", client.post(link, {"do": "end"}))
    look("no alert", client.get(link))
    assert {name: texts for name, texts in left.items() if texts} == {}


def test_letters_are_in_the_language_of_the_order(shop):
    client = german()
    variant = shop.vendors["amber"].products.get().variants.get()
    with translation.override("de"):
        from tests.support.shop import begin, visitor_with  # noqa: PLC0415 -- beside its only use

        order = begin(visitor_with(shop, lamp=(variant, 1))).order
    assert client
    letter = Letter(order=order, kind=Letter.Kind.PLACED)
    mail = composing.compose(letter)
    assert mail.subject == f"Ihre Bestellung {order.number} bei The Arcade"
    assert mail.extra_headers["Content-Language"] == "de"
    assert "1.234,56\xa0€" in mail.body
    question = Letter(order=order, kind=Letter.Kind.QUESTION, facts={"consignment": "x", "shop": "Amber", "text": "?"})
    assert composing.compose(question).subject == "A question about parcel x", "the shop's people read it"
    assert translation.get_language() == project.LANGUAGE_CODE


@pytest.mark.parametrize(
    "name", [kind.name for kind in (*GROUPS["To shoppers, about orders and goods"], *ACCOUNT_KINDS.values())]
)
def test_no_english_is_left_in_a_german_letter(name):
    from mall.admin_site.mail_kinds import BY_NAME  # noqa: PLC0415 -- beside its only use

    kind = BY_NAME[name]
    with translation.override("de"):
        subject, text, html = render_mail(
            kind, sender=Sender("Mall", "https://mall.example/", "help@mall.example", "Mall"), context=kind.sample()
        )
    own_words = [NAMES.sub("", line) for line in [subject, *text.splitlines()] if not line.startswith(">")]
    assert [line for line in own_words if ENGLISH.search(line)] == []
    assert english_in(html) == []


def test_robots_find_each_page_in_each_language(shop):
    client = Client(headers={"host": STORE})
    page = client.get("/products/lamp/").text
    here = f"http://{STORE}:8000/products/lamp/"
    links = dict(re.findall(r'rel="alternate" hreflang="([\w-]+)" href="([^"]+)"', page))
    assert links == {"en-IE": here, "de": f"{here}?language=de", "x-default": here}
    assert f'rel="canonical" href="{here}"' in page
    page = client.get("/products/lamp/?language=de").text
    assert f'rel="canonical" href="{here}?language=de"' in page
    assert '<html lang="de"' in " ".join(page.split())
    assert english_in(page) == []


def test_suggestions_follow_the_page_without_a_session(shop):
    response = Client(headers={"host": MASTER}).get("/suggest/?q=things&language=de")
    assert "Abteilung" in response.text
    assert response["Content-Language"] == "de"


def test_back_office_stays_english(shop):
    client = german()
    client.force_login(User.objects.create_superuser("boss@example.org"))
    client.post("/language/", {"language": "de", "next": "/"})
    response = client.get("/admin/")
    assert response["Content-Language"] == "en-IE"
    assert "Abmelden" not in response.text


def test_amounts_and_days_are_written_as_the_language_has_them():
    with translation.override("de"):
        assert str(Money(100000, "EUR")) == "1.000,00\xa0€"
        assert str(Money(100000, "CHF")) == "1.000,00\xa0CHF"
    assert str(Money(100000, "EUR")) == "€1,000.00"


def test_choice_follows_to_every_host(db, redis_client):
    shop = make_shop()
    add_vendor(shop, "coral", host="coral.localhost")
    browser = BrowserClient()
    amber, coral, mall = (f"http://{name}.localhost:8000" for name in ("amber", "coral", "mall"))
    browser.get(f"{coral}/about/")
    assert "About us" in browser.response.text
    browser.get(f"{amber}/about/")
    browser.post("/language/", {"language": "de", "next": "/about/"})
    assert browser.url == f"{amber}/about/"
    for address in (f"{amber}/delivery/", f"{coral}/about/", f"{mall}/privacy/", f"{mall}/stores/basalt/"):
        assert browser.get(address)["Content-Language"] == "de", address
    browser.post("/language/", {"language": "en-ie", "next": "/"})
    assert browser.get(f"{coral}/about/")["Content-Language"] == "en-IE"
    registry.forget()


def test_choice_made_before_the_hand_off_is_kept_by_it(db, redis_client):
    make_shop()
    browser = BrowserClient()
    browser.get(
        "http://amber.localhost:8000/about/", **{"Sec-Fetch-Mode": None}
    )  # an old browser: no hand-off from here
    browser.post("/language/", {"language": "de", "next": "/about/"}, **{"Sec-Fetch-Mode": None})
    assert browser.get("http://amber.localhost:8000/delivery/")["Content-Language"] == "de"
    assert browser.get("http://mall.localhost:8000/about/")["Content-Language"] == "de"
    registry.forget()


def test_page_without_a_view_s_answer_is_in_the_community_s_language(shop, monkeypatch):
    Marketplace.objects.update(language="de")
    registry.forget()

    def away(*_args):
        raise StoreUnavailableError("away")

    monkeypatch.setattr("mall.views.open_windows", away)
    response = Client(headers={"host": MASTER}).get("/")
    assert response.status_code == 503
    assert "Einen Moment bitte" in response.text
    assert '<html lang="de">' in response.text
