"""A site outside the farm shares the shopper: the real magazine of deploy/external_site, and the mall on the wire."""

import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.utils import timezone

from deploy.demo import catalogue, people, places
from deploy.servers import processes
from mall.accounts.models import User
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.openid.client_secrets import is_secret_of, issue_secret
from sessions_farm.communities.registry import read_version, registry
from sessions_farm.testing.browser import AGENT, BrowserClient, Step
from sessions_farm.testing.jar import Cookie
from sessions_farm.testing.wire import Wire
from tests.support.nodes import running_nodes
from tests.support.shop import MASTER, add_goods, make_shop
from tests.support.waiting import wait_for

SITE = Path(__file__).parents[3] / "deploy" / "external_site" / "site.py"
# It leaves a mall alone for a minute that did not answer within three seconds: a crowded machine's may take longer.
PATIENT = f"""
import runpy, sys
sys.path.insert(0, {str(SITE.parent)!r})
import mall_server
mall_server.TIMEOUT = 60
runpy.run_path({str(SITE)!r}, run_name="__main__")
"""
HOST = "lanternpost.test"
POST, MALL, AMBER = f"https://{HOST}", f"https://{MASTER}", "https://amber.localhost"
SESSION, DANCE = "__Host-mall-session", "__Host-mall-dance"
WORD = re.compile(r'<aside class="word".*?</aside>', re.DOTALL)
KNOWN = re.compile(r"<dt>(.*?)</dt><dd>(.*?)</dd>")

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("transactional_db", "redis_client")]


class Town:
    """The mall and the magazine, each on a port of its own, behind a balancer that ends TLS for both."""

    def __init__(self, secret, lamp):
        self.secret, self.lamp, self.browsers = secret, lamp, 0
        self.mall_port, self.port = processes.free_port(), processes.free_port()

    def browser(self, **options):
        """Another person's, of another kind."""
        self.browsers += 1
        return BrowserClient(transport=self, headers={"User-Agent": f"{AGENT} reader/{self.browsers}"}, **options)

    def send(self, request):
        port = self.port if request.host == HOST else self.mall_port
        return Wire(port, forwarded_proto="https").send(request)


@pytest.fixture
def plan(tmp_path):
    """A town of which nothing runs yet."""
    shop = make_shop()
    member = Domain.objects.create(
        community=shop.community, host=HOST, kind="external", status="active", redirect_uris=f"{POST}/mall/callback"
    )
    secret = tmp_path / "secret"
    secret.write_text(issue_secret(domain=member))
    registry.forget()
    return Town(secret, add_goods(shop, "amber", "Lamp", on_hand=100))


@pytest.fixture
def town(plan, settings, live_server):
    """With the mall in a thread of this process."""
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", 443
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.CSRF_COOKIE_NAME = "__Host-csrf"
    plan.mall_port = urlsplit(live_server.url).port
    with running_site(plan):
        yield plan


@contextmanager
def running_site(town, *program):
    """The magazine while the block lasts, a patient one unless another program is named."""
    addresses = ("--origin", POST, "--mall", MALL, "--dial", f"http://127.0.0.1:{town.mall_port}")
    options = ("--port", str(town.port), *addresses, "--secret-file", town.secret)
    command = [sys.executable, *(program or ("-c", PATIENT)), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().startswith("listening on "), "The magazine does not listen."
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def word(browser, path="/", **headers):
    """What the magazine says to the shopper on a page of its own."""
    response = browser.get(POST + path, **headers)
    assert (response.status_code, urlsplit(browser.url).hostname) == (200, HOST)
    found = WORD.search(response.content.decode())
    return re.sub(r"<[^>]*>", "", found[0]) if found else ""


def buy(browser, town, quantity):
    browser.get(f"{AMBER}/products/lamp/")
    browser.post("/cart/add/", {"variant": town.lamp.pk, "quantity": quantity, "next": "/"})
    assert browser.response.status_code == 200


def hosts(browser):
    return [hop.host for hop in browser.hops]


def callback(browser):
    """The address that brings the mall's answer to the magazine; not opened."""
    asked = browser.request(Step("GET", f"{POST}/", "", "none"))["Location"]
    return browser.request(Step("GET", asked, "", "none"))["Location"]


def forget(browser, *names):
    for name in names:
        browser.cookies.put(HOST, Cookie(name, "", expires=0))


def test_shopper_is_greeted_with_what_lies_in_the_cart(town):
    shopper = town.browser()
    buy(shopper, town, 2)
    assert word(shopper).startswith("You have 2 things in your cart at Lantern Arcade.")
    assert hosts(shopper) == [HOST, MASTER, HOST, HOST]
    assert shopper.url == f"{POST}/"
    shopper.click(re.search(r'<aside.*?href="([^"]*)"', shopper.response.content.decode())[1])
    assert (shopper.url, shopper.response.status_code) == (f"{MALL}/cart/", 200)
    assert b"Lamp" in shopper.response.content

    buy(shopper, town, 1)
    wait_for(lambda: word(shopper).startswith("You have 3 things"), "the magazine to ask again", 20)
    assert word(shopper, "/stories/in-praise-of-the-square-loaf/").startswith("You have 3 things")
    assert shopper.redirects == 0


def test_stranger_is_invited_and_the_magazine_knows_four_things_of_them(town):
    stranger = town.browser()
    assert word(stranger).startswith("Your cart at Lantern Arcade is empty.")
    known = dict(KNOWN.findall(stranger.get(f"{POST}/what-we-know/").content.decode()))
    assert known == {"sub": known["sub"], "signed_in": "False", "cart_pieces": "0", "cart_url": f"{MALL}/cart/"}
    mall_id = next(value for name, value in stranger.jar(MASTER).items() if "." in value).split(".")[0]
    assert mall_id not in f"{known} {stranger.jar(HOST)} {stranger.hops[0].response.headers}"


def test_signing_in_and_out_leads_through_the_mall_again(town):
    User.objects.create_user(email="anna@example.org", password="mall-demo")
    anna = town.browser()
    buy(anna, town, 2)
    assert word(anna).startswith("You have 2 things")
    before = sub_of(anna)

    anna.get(f"{MALL}/accounts/login/")
    anna.post("/accounts/login/", {"login": "anna@example.org", "password": "mall-demo"})
    wait_for(lambda: word(anna) and anna.redirects == 3, "the magazine to ask again", 20)
    assert word(anna).startswith("You have 2 things")
    assert sub_of(anna) != before

    anna.get(f"{MALL}/accounts/logout/")
    anna.post("/accounts/logout/")
    wait_for(lambda: word(anna) == "", "the magazine to ask again", 20)
    assert anna.redirects == 0  # the third time within two minutes is one too many
    forget(anna, DANCE)  # and then they are over
    assert word(anna).startswith("Your cart at Lantern Arcade is empty.")
    assert anna.redirects == 3


def sub_of(browser):
    return dict(KNOWN.findall(browser.get(f"{POST}/what-we-know/").content.decode()))["sub"]


UNASKED = {
    "robot": {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
    "old browser": {"Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None},
    "frame": {"Sec-Fetch-Dest": "iframe"},
    "script": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    "prefetch": {"Sec-Purpose": "prefetch;prerender"},
    "privacy": {"Sec-GPC": "1"},
}


def test_only_a_persons_own_page_that_may_be_shared_leads_through_the_mall(town):
    for who, headers in UNASKED.items():
        browser = town.browser()
        assert (word(browser, **headers), browser.redirects, browser.jar(HOST)) == ("", 0, {}), who
    for method in ("POST", "HEAD"):
        assert "Location" not in town.browser().request(Step(method, f"{POST}/", "", "none")), method


REFUSED = {"all": (SESSION, DANCE), "session": (SESSION,), "dance": (DANCE,)}


def test_browser_that_keeps_no_cookies_ends_in_a_page(town):
    for what, names in REFUSED.items():
        browser = town.browser()
        browser.cookies.refuses = names
        for path in ("/", "/what-we-know/", "/?page=2"):
            word(browser, path)
            assert browser.redirects <= 6, what
        assert browser.redirects == (0 if what == "session" else 3), what
    browser = town.browser(cookies=False)
    assert word(browser, "/?page=2") == ""
    assert browser.url == f"{POST}/?page=2&mall=off"


def test_page_is_served_while_the_mall_is_down(plan):
    with running_nodes(count=1, port=plan.mall_port) as nodes, running_site(plan):
        shopper = plan.browser()
        buy(shopper, plan, 2)
        assert word(shopper).startswith("You have 2 things")
        nodes.kill("web1")
        time.sleep(1)  # so long the magazine believes that the mall answers

        assert (word(plan.browser()), word(plan.browser())) == ("", "")
        wait_for(lambda: word(shopper) == "", "what the mall said to grow old", 20)
        assert hosts(shopper) == [HOST]
        with socket.create_server(("127.0.0.1", plan.mall_port)) as back:
            back.settimeout(0.5)
            assert word(plan.browser()) == ""
            with pytest.raises(TimeoutError):  # it is left alone for a minute
                back.accept()


def test_mall_that_hangs_costs_one_wait(plan):
    with socket.create_server(("127.0.0.1", plan.mall_port)) as silent, running_site(plan, SITE):
        begun = time.monotonic()
        assert word(plan.browser()) == ""
        assert time.monotonic() - begun > 2
        assert (word(plan.browser()), word(plan.browser())) == ("", "")
        silent.settimeout(0.5)
        silent.accept()[0].close()
        with pytest.raises(TimeoutError):  # it was asked once
            silent.accept()


def test_answer_to_another_browser_gives_nothing(town):
    attacker, victim = town.browser(), town.browser()
    buy(attacker, town, 5)
    url = callback(attacker)
    victim.get(url)
    assert SESSION not in victim.jar(HOST)
    assert WORD.search(victim.response.content.decode()) is None

    callback(victim)  # with a dance of their own under way
    victim.get(url)
    assert word(victim).startswith("Your cart at Lantern Arcade is empty.")
    assert word(attacker).startswith("You have 5 things")


CHANGES = [
    {"state": None}, {"state": "x"}, {"state": "x" * 43 + "//evil.test/"}, {"state": "x" * 43 + "/\\evil.test/"},
    {"iss": None}, {"iss": "https://evil.test"}, {"code": None}, {"code": "x"},
]  # fmt: skip


def test_answer_of_which_anything_was_changed_gives_nothing_and_leads_to_no_stranger(town):
    for changes in CHANGES:
        browser = town.browser()
        parts = urlsplit(callback(browser))
        said = dict(parse_qsl(parts.query)) | changes
        query = urlencode({name: value for name, value in said.items() if value is not None})
        response = browser.request(Step("GET", parts._replace(query=query).geturl(), "", "none"))
        assert (response.status_code, response["Location"]) == (303, "/"), changes
        assert SESSION not in browser.jar(HOST), changes


def test_mall_that_says_no_leaves_a_page_and_is_not_asked_again(town):
    Community.objects.update(paused_until=timezone.now() + timedelta(minutes=5))
    paused = town.browser()
    assert (word(paused), paused.redirects) == ("", 3)
    assert (word(paused), paused.redirects) == ("", 0)
    Community.objects.update(paused_until=None)
    assert word(town.browser())
    assert (word(paused), paused.redirects) == ("", 0)
    forget(paused, DANCE)  # its minute is over
    assert word(paused).startswith("Your cart")


def test_member_that_the_mall_suspended_sends_nobody_there(town):
    shopper = town.browser()
    assert word(shopper)
    Domain.objects.filter(host=HOST).update(status="suspended")
    wait_for(lambda: word(shopper) == "", "the magazine to ask again", 20)
    for browser in (shopper, town.browser()):
        assert (word(browser), browser.redirects) == ("", 0)


def test_demos_mall_follows_the_magazine_to_another_port_and_keeps_what_staff_changed(monkeypatch, settings):
    def loaded(port):
        monkeypatch.setenv("DEMO_EXTERNAL_PORT", port)
        places.load_places(catalogue.malls()[0], people.load_people())
        return Domain.objects.get(kind="external")

    settings.PUBLIC_SCHEME = "http"
    monkeypatch.setenv("DEMO_EXTERNAL_SECRET", "a-secret")
    member = loaded("8004")
    assert (member.host, member.status) == ("lanternpost.localhost", "active")
    assert member.redirect_uris == "http://lanternpost.localhost:8004/mall/callback"
    assert is_secret_of("a-secret", registry.external_member(member.host))
    member.full_clean()

    Domain.objects.filter(pk=member.pk).update(status="suspended")
    version = registry.current().version
    assert loaded("8004").status == "suspended"
    assert read_version() == version  # no node reads the registry anew for nothing
    assert loaded("8104").redirect_uris == "http://lanternpost.localhost:8104/mall/callback"
    assert (
        loaded("").redirect_uris == "http://lanternpost.localhost:8000/mall/callback"
    )  # as behind the farm's balancer
