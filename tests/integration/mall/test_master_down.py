"""The master is out of reach for a while, for browsers and nodes alike: no store's page fails, and no line is lost."""

import itertools
import re
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sessions_farm.communities.registry import registry
from sessions_farm.testing.browser import AGENT, BrowserClient
from sessions_farm.testing.wire import Wire
from tests.support.nodes import running_nodes
from tests.support.shop import MASTER, add_goods, add_vendor, make_shop
from tests.support.waiting import wait_for

STORES = [f"shop{number}.test" for number in range(1, 5)]
SHOPPERS = 8  # at once
LOOKS, PATIENCE = 0.5, 1.0  # seconds between two looks of a node, and those for which it waits for an answer
NOTICED_WITHIN = 30  # seconds; a crowded machine's nodes take as long as that for what is over in two
VARIANT = re.compile(rb'name="variant"\s+value="(\d+)"')
IN_CART = re.compile(rb'<h3 class="line__name">.*?/products/([a-z0-9-]+)/', re.DOTALL)

pytestmark = pytest.mark.usefixtures("transactional_db", "redis_client")


class WayToMaster:
    """The master's public address, as the nodes' probes dial it: passes on to the nodes, until it is closed."""

    def __init__(self):
        self.nodes_port, self.is_open = 0, True
        self.answered = []  # when each probe began and ended
        way = self

        class Passing(socketserver.BaseRequestHandler):
            def handle(self):
                if not way.is_open:
                    return  # and the connection ends unanswered
                begun = time.monotonic()
                question = self.request.recv(65536)
                with socket.create_connection(("127.0.0.1", way.nodes_port), 5) as onward:
                    onward.sendall(question)
                    answer = b"".join(iter(lambda: onward.recv(65536), b""))
                ended = time.monotonic()
                self.request.sendall(answer)
                if ended - begun < PATIENCE:
                    way.answered.append((begun, ended))

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Passing)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def is_known_to_both(self):
        """Whether probes of two nodes were answered: each node rests for LOOKS after one of its own."""
        spans = itertools.pairwise(sorted(self.answered))
        return any(begun - ended < LOOKS * 0.8 for (_, ended), (begun, _) in spans)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Browser(Wire):
    """A browser's way: the master's host is as far as the way to it is open."""

    def __init__(self, port, way):
        super().__init__(port, forwarded_proto="http")
        self.way = way

    def send(self, request):
        if request.host == MASTER and not self.way.is_open:
            raise ConnectionRefusedError(f"{MASTER} is out of reach.")
        return super().send(request)


class Shopper:
    def __init__(self, nodes, way, number):
        self.nodes, self.number = nodes, number
        self.browser = BrowserClient(headers={"User-Agent": f"{AGENT} s/{number}"}, transport=Browser(nodes.port, way))
        self.statuses, self.led_astray, self.bought = [], 0, set()

    def open(self, host, path):
        try:
            response = self.browser.get(self.nodes.url(host, path))
        except ConnectionRefusedError:
            self.led_astray += 1
            return None
        self.statuses.append(response.status_code)
        return response

    def buys(self, host):
        goods = f"{host.partition('.')[0]}-lamp"
        page = f"/products/{goods}/"
        response = self.open(host, page)
        form = {"variant": VARIANT.search(response.content)[1].decode(), "quantity": 1, "next": page}
        self.statuses.append(self.browser.post("/cart/add/", form).status_code)
        self.bought.add(goods)
        return self


def open_mall():
    shop = make_shop(first_add_landing=False)  # what it does needs the master, and is no store's page
    for host in STORES:
        slug = host.partition(".")[0]
        add_vendor(shop, slug, host=host)
        add_goods(shop, slug, f"{slug} Lamp", on_hand=1000)
    registry.forget()


def knows_it_away(nodes, way, number):
    """The node that leads a new shopper of a store's first page not to the master; None where one does."""
    response = Shopper(nodes, way, number).open(STORES[number % len(STORES)], "/")
    return response["X-Node"] if response else None


def knows_it_back(nodes, way, number):
    """The node that leads a new shopper to the master; None where one does not."""
    shopper = Shopper(nodes, way, number)
    shopper.open(STORES[number % len(STORES)], "/")
    return shopper.browser.hops[0].response["X-Node"] if shopper.browser.redirects else None


def wait_for_both(ask, numbers):
    """Ask until either node has said it: which one serves is chance."""
    found = set()
    for number in numbers:
        found.add(ask(number))
        if len(found - {None}) == 2:
            return
        time.sleep(0.02)
    raise AssertionError(f"Only {found} said so.")


@pytest.fixture
def way():
    made = WayToMaster()
    yield made
    made.stop()


def test_no_store_page_fails_while_the_master_is_away_and_all_is_merged_afterwards(way, scale):
    open_mall()
    plain = {"PUBLIC_SCHEME": "http", "PUBLIC_PORT": "80", "PROBE_SECONDS": f"{LOOKS}", "PROBE_ADDRESS": way.address}
    with running_nodes(**plain) as nodes, ThreadPoolExecutor(SHOPPERS) as pool:
        way.nodes_port = nodes.port
        wait_for_both(lambda number: knows_it_back(nodes, way, number), range(100, 1000))  # now either looks
        known = [Shopper(nodes, way, number) for number in range(SHOPPERS)]
        list(pool.map(lambda shopper: shopper.buys(STORES[0]), known))
        wait_for(lambda: way.is_known_to_both, "both nodes to see the master: before, its silence tells them nothing")
        way.is_open = False
        before = time.monotonic()
        list(pool.map(lambda shopper: shopper.buys(STORES[0]), known))  # at once: whoever is known needs no master
        wait_for_both(lambda number: knows_it_away(nodes, way, number), range(1000, 2000))
        took = time.monotonic() - before

        new = [Shopper(nodes, way, 2000 + number) for number in range(SHOPPERS * (3 if scale > 1 else 1))]
        for store in STORES:
            list(pool.map(lambda shopper, store=store: shopper.buys(store), new))
        list(pool.map(lambda shopper: shopper.buys(STORES[1]), known))

        way.is_open = True
        wait_for_both(lambda number: knows_it_back(nodes, way, number), range(5000, 9000))
        for shopper in (*known, *new):
            ways = []
            for host in STORES:
                shopper.open(host, "/about/")
                ways.append([f"{hop.status} {hop.url}" for hop in shopper.browser.hops])
            cart = shopper.open(MASTER, "/cart/")
            found = {slug.decode() for slug in IN_CART.findall(cart.content)}
            assert found == shopper.bought, ways

    assert took < NOTICED_WITHIN
    assert {status for shopper in (*known, *new) for status in shopper.statuses} == {200}
    assert sum(shopper.led_astray for shopper in (*known, *new)) == 0


@pytest.mark.usefixtures("at_proof")
def test_control_without_a_probe_new_shoppers_are_led_into_nothing(way):
    open_mall()
    with running_nodes(PUBLIC_SCHEME="http", PUBLIC_PORT="80") as nodes:
        way.nodes_port, way.is_open = nodes.port, False
        assert [knows_it_away(nodes, way, number) for number in range(4)] == [None] * 4
