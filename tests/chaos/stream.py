"""The stream: shoppers who browse and fill carts, shoppers who pay, staff who stay signed in, and a staff socket.

Everybody goes to the balancer's published port on loopback, over TLS, and repeats nothing: each answer that a person
would call an error counts. What was acknowledged is remembered, and looked for at the end.
"""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import socket
import ssl
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from deploy.demo.people import MALL_STAFF, PASSWORD
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.testing.wire import Wire, client_tls
from tests.support.buyer import CARD
from tests.support.shop import ADDRESS

MASTER, STORES = "mall.test", ("fowlers.test", "noblebarney.test", "thistle.shops.test")
COUNT = re.compile(rb'id="cart-count"[^>]*data-count="(\d+)"')
ALL_OF_THEM = b"your cart has all of them"
VARIANT = re.compile(rb'name="variant"[^>]*value="(\d+)"')
PRODUCT = re.compile(rb'href="(?:https://[^/"]+)?(/products/[\w-]+/)[?"]')
PAY_FIELDS = re.compile(r'name="(review_key|agreed)" value="([^"]*)"')
KNOCK = "/healthz"  # which the balancer itself answers: 404
PAUSE = 0.15  # seconds a shopper looks at a page


class OneTry(Wire):
    """A wire that repeats nothing. Of several addresses of a name it takes, as browsers do, the first that listens."""

    def __init__(self, port, addresses, **options):
        super().__init__(port, **options)
        self.addresses = addresses

    def send(self, request):
        return self._ask(request)

    def _connect(self, host):
        for address in self.addresses[:-1]:
            self.address = address
            # Docker's own proxy on loopback takes connections for a balancer that does not listen yet, or no more; from
            # outside they are refused. So what ends before TLS is there counts as refused here.
            with suppress(OSError):
                return super()._connect(host)
        self.address = self.addresses[-1]
        return super()._connect(host)


@dataclass
class Record:
    """What happened to the stream: by the moment of each answer."""

    answers: list[tuple[float, float, int, str]] = field(
        default_factory=list
    )  # when it ended, seconds, status, address
    log_outs: int = 0
    lost_updates: int = 0
    paid: list[str] = field(default_factory=list)
    socket_gaps: list[float] = field(default_factory=list)

    def add(self, begun: float, status: int, address: str) -> None:
        now = time.monotonic()
        self.answers.append((now, now - begun, status, address))

    def between(self, since: float, until: float) -> list[tuple[float, float, int, str]]:
        return [answer for answer in self.answers if since <= answer[0] <= until]


class Person(threading.Thread, ABC):
    """Somebody with a browser, until told to stop."""

    pause = PAUSE

    def __init__(
        self, port: int, addresses: Sequence[str], record: Record, stopped: threading.Event, number: int
    ) -> None:
        super().__init__(daemon=True)
        self.port, self.addresses, self.record, self.stopped = port, addresses, record, stopped
        self.random = random.Random(number)
        self.browser = self.new_browser()

    def new_browser(self) -> BrowserClient:
        return BrowserClient(transport=OneTry(self.port, self.addresses, tls=client_tls(None)))

    def url(self, host: str, path: str = "/") -> str:
        return f"https://{host}:{self.port}{path}"

    def ask(self, method: str, address: str, data: dict[str, object] | None = None) -> int:
        """Go somewhere; return the status, 0 where there was no answer."""
        begun = time.monotonic()
        try:
            if method == "GET":
                self.browser.get(address)
            else:
                self.browser.post(address, data)
            status = self.browser.response.status_code
        except (OSError, ValueError) as error:
            status = 0
            address = f"{address} {type(error).__name__} {error}"
        self.record.add(begun, status, f"{method} {address}")
        return status

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.step()
            except Exception as error:  # noqa: BLE001 -- a page of another kind than expected; counted, and begun anew
                self.record.add(time.monotonic(), -1, f"{type(error).__name__}: {error}")
            self.stopped.wait(self.pause)

    @abstractmethod
    def step(self) -> None: ...


class GaveUpError(Exception):
    """A page was not what the next step needs; what was wrong with it is recorded already."""


class Browsing(Person):
    """A shopper who looks around and puts one thing after another into one cart."""

    pieces = 0

    def step(self) -> None:
        with suppress(GaveUpError):
            self.comes_to_a_product()
            self.adds()
            if self.random.random() < 0.3:
                self.looks_into_the_cart()

    def gets(self, method: str, address: str, data: dict[str, object] | None = None) -> bytes:
        """Return the page at an address. Raise GaveUpError where it is none."""
        if self.ask(method, address, data) != 200:
            raise GaveUpError
        content: bytes = self.browser.response.content
        return content

    def comes_to_a_product(self) -> None:
        host = self.random.choice(STORES)
        found = PRODUCT.findall(self.gets("GET", self.url(host)))
        if not found:
            raise GaveUpError
        self.gets("GET", self.url(host, self.random.choice(found).decode()))

    def adds(self) -> None:
        """Put what the page shows into the cart; the number that the next page shows is acknowledged."""
        page = self.browser.response.content
        variant = VARIANT.search(page)
        if variant is None or b"Add to cart" not in page or self.pieces >= 90:
            raise GaveUpError
        page = self.gets("POST", "/cart/add/", {"variant": variant[1].decode(), "quantity": 1})
        if shown := COUNT.search(page):
            # Where others bought what was in the cart, it says so, and has fewer.
            self.pieces = int(shown[1]) if ALL_OF_THEM in page else max(self.pieces, int(shown[1]))

    def looks_into_the_cart(self) -> None:
        shown = COUNT.search(self.gets("GET", self.url(MASTER, "/cart/")))
        if shown and int(shown[1]) < self.pieces:
            self.record.lost_updates += self.pieces - int(shown[1])
            self.pieces = int(shown[1])


class Paying(Browsing):
    """Shoppers, one after another, who buy one thing each."""

    def step(self) -> None:
        self.browser, self.pieces = self.new_browser(), 0
        with suppress(GaveUpError):
            self.comes_to_a_product()
            self.adds()
            self.gets("GET", self.url(MASTER, "/checkout/"))
            mine = ADDRESS | {"email": f"chaos-{secrets.token_hex(6)}@example.org"}
            page = self.gets("POST", "/checkout/", mine).decode()
            methods: dict[str, object] = dict.fromkeys(re.findall(r'name="(vendor-\d+)"', page), "standard")
            page = self.gets("POST", "/checkout/delivery/", methods).decode()
            self.gets("POST", "/checkout/pay/", dict(PAY_FIELDS.findall(page)))
            self.gets("POST", self.browser.url, dict(CARD))
            if "/orders/" in self.browser.url:
                self.record.paid.append(mine["email"])


class Staff(Person):
    """Somebody of the mall who is signed in to the administration."""

    signed_in = False

    def step(self) -> None:
        if not self.signed_in:
            self.browser = self.new_browser()
            if self.ask("GET", self.url(MASTER, "/accounts/login/")) == 200:
                form = {"login": MALL_STAFF.email, "password": PASSWORD}
                if self.ask("POST", "/accounts/login/", form) == 200:
                    self.signed_in = "/login/" not in self.browser.url
            return
        if self.ask("GET", self.url(MASTER, "/admin/")) == 200 and "/login/" in self.browser.url:
            self.record.log_outs += 1
            self.signed_in = False
        self.stopped.wait(0.3)


class Knocking(Person):
    """Whoever comes and goes: a connection after another, to what the balancer answers itself.

    What is lost between a knock and a handshake, as listeners change, is seen where many knock.
    """

    pause = 0.03

    def step(self) -> None:
        self.ask("GET", self.url(self.random.choice(STORES), KNOCK))


class Socket(Staff):
    """A page of the support desk: its socket comes back by itself, and the seconds without it count."""

    lost_at = 0.0  # monotonic seconds; 0 while it is there

    def dialled(self) -> socket.socket:
        """Return a connection to the first balancer that takes one."""
        for address in self.addresses[:-1]:
            with suppress(OSError):
                return socket.create_connection((address, self.port), 10)
        return socket.create_connection((self.addresses[-1], self.port), 10)

    def step(self) -> None:
        if not self.signed_in:
            super().step()
            return
        try:
            asyncio.run(self._watch())
        except (WebSocketException, OSError, TimeoutError):
            self.lost_at = self.lost_at or time.monotonic()
            self.stopped.wait(0.5)

    async def _watch(self) -> None:
        """Watch in one thread.

        The library's blocking client reads in a thread of its own. That goes on for a moment with the number of a file
        that another has closed, and takes the bytes of whoever got the number next: a broken line that no server broke.
        """
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        url = f"wss://{MASTER}:{self.port}/ws/watch/fowlers/"
        cookie = self.browser.cookies.header(MASTER, secure=True, cross_site=False, method="GET")
        async with connect(
            url,
            ssl=context,
            sock=self.dialled(),
            server_hostname=MASTER,
            origin=f"https://{MASTER}:{self.port}",
            additional_headers={"Cookie": cookie},
            open_timeout=10,
        ) as line:
            if self.lost_at:
                self.record.socket_gaps.append(time.monotonic() - self.lost_at)
            await line.send('{"op": "sub"}')
            self.lost_at = 0.0
            while not self.stopped.is_set():
                await asyncio.wait_for(line.recv(), 20)


def start(
    port: int, addresses: Sequence[str] = ("127.0.0.1",), *, browsing: int = 4, knocking: int = 2
) -> tuple[Record, threading.Event, list[Person]]:
    """Start the stream; return what it records, the event that ends it, and the people."""
    record, stopped = Record(), threading.Event()
    own = (port, addresses, record, stopped)
    people: list[Person] = [Browsing(*own, number) for number in range(browsing)]
    people += [Paying(*own, 100), Staff(*own, 200), Socket(*own, 300)]
    people += [Knocking(*own, 400 + number) for number in range(knocking)]
    for person in people:
        person.start()
    return record, stopped, people


def verdict(statuses: list[int]) -> Counter[str]:
    """Count answers: good, "one moment" (503 with words), failed."""
    found: Counter[str] = Counter()
    for status in statuses:
        found["good" if 200 <= status < 500 and status != 0 else "moment" if status == 503 else "failed"] += 1
    return found
