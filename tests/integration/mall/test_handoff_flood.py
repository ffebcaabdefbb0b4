"""A flood of hand-offs against a running node: 200 a second, or half of what it serves; honest shoppers beside it.

At ``make prove`` only: it takes a minute. The suite has the same attack in one process (handoff/test_floods.py).
"""

import threading
import time

import pytest

from sessions_farm.communities.registry import registry
from sessions_farm.testing.browser import AGENT, BrowserClient, Step
from sessions_farm.testing.wire import Wire
from sessions_farm.web import cookies
from tests.support.nodes import running_nodes
from tests.support.shop import add_vendor, make_shop
from tests.support.waiting import wait_for

ALL_FROM = 10  # of SCALE
STORES = ("shop1.test", "shop2.test")
SECONDS = 10
SHOPPERS = 17
RATE = 200.0  # starts a second
BREAKS = 25  # starts without a return, for the control's breaker
THREADS = 4

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("transactional_db", "redis_client")]


@pytest.fixture
def nodes(request, scale):
    if scale < ALL_FROM:
        pytest.skip("A flood takes a minute: make prove.")
    shop = make_shop()
    for host in STORES:
        add_vendor(shop, host.partition(".")[0], host=host)
    registry.forget()
    with running_nodes(count=1, PROBE_SECONDS="0.5", **getattr(request, "param", {})) as nodes:
        browser_of(nodes, "192.0.2.200").get(nodes.url(STORES[0]))
        yield nodes


def browser_of(nodes, address, agent=AGENT):
    browser = BrowserClient(headers={"User-Agent": agent}, transport=Wire(nodes.port, forwarded_proto="https"))
    browser.address = address
    return browser


class Flood:
    """Starts that never come back, from so many networks, each with another User-Agent, at a rate (0: all it can)."""

    def __init__(self, nodes, networks, rate):
        self.nodes, self.networks, self.rate = nodes, networks, rate
        self.began, self.starts, self.led = time.monotonic(), 0, 0
        self.is_over = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.attack) for _ in range(THREADS)]

    def attack(self):
        while not self.is_over.is_set():
            with self.lock:
                self.starts += 1
                number = self.starts
            if self.rate:
                time.sleep(max(self.began + number / self.rate - time.monotonic(), 0))
            browser = browser_of(self.nodes, f"192.0.2.{number % self.networks + 1}", f"{AGENT} {number}")
            response = browser.request(Step("GET", self.nodes.url(STORES[0], "/about/"), "", "none"))
            self.led += response.status_code == 302

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        self.seconds = time.monotonic() - self.began


def rate_served(nodes):
    """Starts a second that the node answers when asked for as many as it can."""
    with Flood(nodes, 1, 0) as flood:
        time.sleep(3)
    return flood.starts / flood.seconds


def known_beside_a_flood(nodes, networks):
    """How many of the shoppers got an id, half of them from the attacker's own network; and the flood."""
    known = 0
    with Flood(nodes, networks, min(RATE, rate_served(nodes) / 2)) as flood:
        wait_for(lambda: flood.led > BREAKS or flood.starts > BREAKS * 2, "the flood to begin", 60)
        for number in range(SHOPPERS):
            shopper = browser_of(nodes, f"192.0.2.{1 if number % 2 else 100 + number}")
            host = STORES[number % len(STORES)]
            shopper.get(nodes.url(host, "/about/"))
            member = registry.resolve(host)
            known += cookies.prove(member, shopper.jar(host).get(f"__Host-Http-{member.cookie_name}", "")) is not None
            time.sleep(SECONDS / SHOPPERS)
    return known, flood


@pytest.mark.parametrize("networks", [1, 50])
def test_shoppers_beside_a_flood_are_all_known(nodes, networks):
    known, flood = known_beside_a_flood(nodes, networks)
    assert known == SHOPPERS, f"{known} of {SHOPPERS} beside {flood.starts / flood.seconds:.0f} starts a second"
    assert flood.led == flood.starts  # the attacker too is led as anybody: nothing was limited


@pytest.mark.parametrize(
    "nodes", [{"DJANGO_SETTINGS_MODULE": "tests.support.old_breaker_settings"}], indirect=True, ids=["old breaker"]
)
@pytest.mark.parametrize("networks", [1, 50])
def test_control_old_breaker_denies_them(nodes, networks):
    known, flood = known_beside_a_flood(nodes, networks)
    assert known < SHOPPERS  # the first at least; a return that gets through closes the breaker for a while
    assert flood.led < flood.starts
