"""When a hand-off waits: lazy communities, browsers that ask not to be followed, pauses, an authority that is away."""

import datetime
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone

from sessions_farm.communities.handoff import health_probe
from sessions_farm.communities.handoff.circuit_breakers import (
    FAILED_PROBES,
    breaker_of,
    breakers,
    forget_others,
    judged_hosts,
)
from sessions_farm.communities.identity.mall_ids import is_local
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.walking import MALL, A, B, lines_of, mall_of
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.tests.support.authority import Authority

pytestmark = pytest.mark.usefixtures("walking_mall")

GPC = {"Sec-GPC": "1"}


def lazy():
    Community.objects.filter(slug="mall").update(handoff_policy="lazy")


@pytest.mark.parametrize("by", ["policy", "browser"])
def test_lazy_begins_only_where_the_id_is_needed(by):
    if by == "policy":
        lazy()
    browser = BrowserClient(headers=GPC if by == "browser" else {})
    browser.get(f"{A}/p/x")
    assert (browser.redirects, mall_of(browser).id) == (0, None)
    browser.get(f"{A}/basket")
    assert browser.redirects == 3
    assert browser.url == f"{A}/basket"
    assert mall_of(browser).id
    browser.get(f"{A}/basket")
    assert browser.redirects == 0


@pytest.mark.parametrize("by", ["policy", "browser"])
def test_lazy_begins_for_who_puts_something_into_the_cart(by):
    if by == "policy":
        lazy()
    browser = BrowserClient(headers=GPC if by == "browser" else {})
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})

    assert [hop.status for hop in browser.hops] == [303, 302, 302, 303, 200]
    browser.get(f"{MALL}/cart")
    assert lines_of(browser) == ["spade"]


def test_lazy_begins_for_who_comes_from_another_store():
    lazy()
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.click(f"{B}/p/y")
    assert browser.redirects == 4


def test_needed_page_is_given_to_a_robot_and_in_advance_as_ever():
    lazy()
    robot = BrowserClient(headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
    assert robot.get(f"{A}/basket").status_code == 200
    assert robot.redirects == 0
    assert BrowserClient().get(f"{A}/basket", **{"Sec-Purpose": "prefetch"}).status_code == 409


def test_pause_holds_hand_offs_until_its_time_and_merges_what_was_done_meanwhile():
    Community.objects.filter(slug="mall").update(paused_until=timezone.now() + datetime.timedelta(hours=1))
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    browser.post("/add", {"line": "spade"})
    assert browser.redirects == 1
    assert (lines_of(browser), mall_of(browser).is_local) == (["spade"], True)

    Community.objects.filter(slug="mall").update(paused_until=timezone.now() - datetime.timedelta(seconds=1))
    browser.get(f"{A}/p/y")
    assert browser.redirects == 3
    assert (lines_of(browser), is_local(mall_of(browser).id)) == (["spade"], False)


def silence():
    breaker_of("mall.test").record_probe(answered=True)
    for _ in range(FAILED_PROBES):
        breaker_of("mall.test").record_probe(answered=False)


def test_silent_master_sends_nobody_away_and_loses_nothing():
    silence()
    shoppers = [BrowserClient() for _ in range(20)]
    for number, browser in enumerate(shoppers):
        assert browser.get(f"{A}/p/x").status_code == 200
        browser.post("/add", {"line": f"spade {number}"})
        assert {hop.host for hop in browser.hops} == {"a.test"}
    breaker_of("mall.test").record_probe(answered=True)
    for number, browser in enumerate(shoppers):
        browser.get(f"{A}/p/y")
        browser.get(f"{MALL}/cart")
        assert lines_of(browser) == [f"spade {number}"]


def test_master_that_is_no_longer_served_sends_nobody_away(two_communities):
    Domain.objects.filter(host="mall.test").update(status="suspended")
    browser = BrowserClient()

    assert browser.get(f"{A}/p/x").status_code == 200
    assert browser.redirects == 0


def test_only_masters_and_former_masters_are_judged(two_communities):
    """No name that a stranger sends, by a Referer, a mark or a label below a wildcard, stays in memory."""
    Community.objects.filter(slug="mall").update(
        former_master=Domain.objects.get(host="b.test"), former_master_until=timezone.now() + datetime.timedelta(days=1)
    )
    for host in judged_hosts():
        health_probe.probe_host(host)
    for number in range(30):
        browser = BrowserClient()
        browser.get(f"https://x{number}.shops.test/")
        browser.click(f"{A}/p/x")
        browser.get(f"{MALL}/cart?_mall=fp.AAAAAAAAAAAAAAAA.y{number}.shops.test")

    assert judged_hosts() == {"mall.test", "b.test", "fair.test"}
    assert breakers.keys() == judged_hosts()
    Community.objects.filter(slug="mall").update(former_master=None)
    forget_others(judged_hosts())
    assert breakers.keys() == {"mall.test", "fair.test"}


def test_silence_of_one_who_never_answered_is_no_outage():
    for _ in range(FAILED_PROBES * 3):
        breaker_of("mall.test").record_probe(answered=False)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    assert browser.redirects == 3


def test_one_silence_is_no_outage():
    breaker_of("mall.test").record_probe(answered=True)
    breaker_of("mall.test").record_probe(answered=False)
    browser = BrowserClient()
    browser.get(f"{A}/p/x")
    assert browser.redirects == 3


@pytest.fixture
def patient(monkeypatch):
    """The probe may take its time: a busy machine is no silence."""
    monkeypatch.setattr(health_probe, "TIMEOUT", 60)


class Master:
    """A peer for the probe: a server that says what it is told to."""

    def __init__(self, context=None):
        self.status, self.asked = 200, []
        master = self

        class Page(BaseHTTPRequestHandler):
            def do_GET(self):
                master.asked.append((self.headers["Host"], self.path))
                self.send_response(master.status)
                self.end_headers()

            def log_message(self, *args): ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def farm(settings, **options):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, **options}


def wait_until(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_probe_finds_a_master_gone_and_back(settings, patient):
    settings.PUBLIC_SCHEME = "http"
    master = Master()
    farm(settings, PROBE_SECONDS=0.05, PROBE_ADDRESS=master.address)
    try:
        BrowserClient().get("http://a.test/", **{"Sec-Fetch-Mode": None})  # no page that could need a hand-off
        time.sleep(0.2)
        assert master.asked == []
        BrowserClient().get("http://a.test/")
        wait_until(lambda: master.asked)
        assert master.asked[0] == ("mall.test:443", "/.mall/health")
        assert not breaker_of("mall.test").is_open
        master.status = 502
        wait_until(lambda: breaker_of("mall.test").is_open)
        browser = BrowserClient()
        assert browser.get("http://a.test/").status_code == 200
        assert browser.redirects == 0
        master.status = 200
        wait_until(lambda: not breaker_of("mall.test").is_open)
    finally:
        health_probe.probe.stop()
        master.stop()
    assert not health_probe.probe_host("mall.test")  # nobody listens any more


def test_probe_asks_over_tls_and_believes_the_named_authority_alone(settings, patient, tmp_path):
    import ssl  # noqa: PLC0415

    authority, stranger = Authority(tmp_path / "ours"), Authority(tmp_path / "strangers")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("mall.test"))
    master = Master(context)
    try:
        farm(settings, PROBE_ADDRESS=master.address, PROBE_CA=authority.file)
        assert health_probe.is_healthy("mall.test")
        assert not health_probe.is_healthy("fair.test")  # not its certificate
        farm(settings, PROBE_CA=stranger.file)
        assert not health_probe.is_healthy("mall.test")
        farm(settings, PROBE_CA=str(tmp_path / "nowhere.pem"))
        for _ in range(5):
            assert health_probe.probe_host("mall.test")  # set up amiss: that tells nothing of the master
        assert not breaker_of("mall.test").is_open
    finally:
        master.stop()


def test_probe_watches_a_host_for_as_long_as_it_is_a_master(settings, two_communities):
    farm(settings, PROBE_SECONDS=60)
    try:
        health_probe.probe.watch("mall.test")
        health_probe.probe.watch("fair.test")
        assert health_probe.probe.hosts == {"mall.test", "fair.test"}
        silence()
        Community.objects.filter(slug="mall").update(master=Domain.objects.get(host="b.test"))
        health_probe.probe.watch("b.test")
        assert health_probe.probe.hosts == {"fair.test", "b.test"}
        assert "mall.test" not in breakers
    finally:
        health_probe.probe.stop()


def test_names_below_localhost_are_this_machine(settings):
    assert health_probe.probe_address("mall.localhost", 8000) == ("127.0.0.1", 8000)
    assert health_probe.probe_address("mall.test", 443) == ("mall.test", 443)
    farm(settings, PROBE_ADDRESS="lb:443")
    assert health_probe.probe_address("mall.localhost", 8000) == ("lb", 443)


def test_health_of_a_served_host_costs_no_query(django_assert_num_queries):
    registry.refresh()
    with django_assert_num_queries(0):
        response = BrowserClient().get(f"{MALL}/.mall/health", **{"Sec-Fetch-Mode": None})
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert not response.cookies
