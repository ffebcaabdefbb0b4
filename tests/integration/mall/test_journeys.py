"""Many shoppers over many domains and two real nodes, one of them killed on the way: one id each, no line lost."""

import random
import re
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest

from sessions_farm.communities.handoff import concurrent_tabs
from sessions_farm.communities.models import Domain
from sessions_farm.communities.registry import registry
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.testing.browser import AGENT, BrowserClient, Step
from sessions_farm.testing.jar import Cookie
from sessions_farm.testing.wire import PAUSE, Wire
from sessions_farm.web import cookies
from tests.support.nodes import running_nodes
from tests.support.shop import MASTER, add_goods, add_vendor, make_shop
from vendors.models import Storefront

AT_A_TIME = 8
MOST_REDIRECTS = 9
DOMAINS = [f"shop{number:02}.test" for number in range(1, 17)]
LABELS = [f"stall{number:02}" for number in range(17, 21)]  # below one wildcard domain
MARKET = "market.test"
HOSTS = [*DOMAINS, *(f"{label}.{MARKET}" for label in LABELS)]
GOODS = ("Lamp", "Spade")
PLAIN_COOKIE = "mall"
COOKIE = f"__Host-Http-{PLAIN_COOKIE}"
VARIANT = re.compile(rb'name="variant"\s+value="(\d+)"')
IN_CART = re.compile(rb'<h3 class="line__name">.*?/products/([a-z0-9-]+)/', re.DOTALL)
SILENT = dict.fromkeys(("Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Fetch-Site"))  # an old browser

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("transactional_db", "redis_client"),
]


def open_mall(**fields):
    """A mall of 20 stores on 17 registrable domains, each with the same two things to sell."""
    shop = make_shop(**fields)
    market = Domain.objects.create(community=shop.community, host=MARKET, kind=Domain.Kind.WILDCARD, status="active")
    for host in DOMAINS:
        add_vendor(shop, host.partition(".")[0], host=host)
    for label in LABELS:
        Storefront.objects.filter(vendor=add_vendor(shop, label)).update(domain=market, label=label)
    for slug in shop.vendors:
        for name in GOODS:
            add_goods(shop, slug, f"{slug} {name}", on_hand=100_000)
    registry.forget()


def variant_on(tab):
    return VARIANT.search(tab.response.content)[1].decode()


def in_cart(browser):
    return {slug.decode() for slug in IN_CART.findall(browser.response.content)}


def id_in(browser, host):
    """The id that the browser's cookie proves on the host; None where there is none."""
    member, jar = registry.resolve(host), browser.jar(host)
    proof = cookies.prove(member, jar.get(COOKIE) or jar.get(PLAIN_COOKIE, ""))
    return proof.id if proof else None


class Shopper:
    """Wanders about by chance, and keeps in mind what the stores said lies in the cart."""

    def __init__(self, nodes, number):
        self.nodes, self.random = nodes, random.Random(number)
        self.browser = BrowserClient(
            headers={"User-Agent": f"{AGENT} shopper/{number}"}, transport=Wire(nodes.port, forwarded_proto="https")
        )
        self.visited = set()
        self.unlucky = set()  # hosts where something went wrong before: once is enough for a person's pace
        self.promised = set()
        self.worst = 0
        self.answered_by = set()

    def walk(self):
        for _ in range(self.random.randint(2, 5)):
            step = self.random.choice(STEPS)
            step(self)
        return self

    # What may happen on the way.

    def buys(self):
        self.buy_at(self.browser, self.random.choice(HOSTS))

    def looks_into_the_mall(self):
        self.open(self.browser, MASTER, self.random.choice(("/", "/cart/", "/stores/basalt/")))

    def buys_on_the_malls_path(self):
        self.buy_at(self.browser, MASTER, "basalt", "/stores/basalt")

    def buys_with_an_old_browser(self):
        self.buy_at(self.browser, self.mishap(), headers=SILENT)

    def loses_a_cookie_before_the_page(self):
        host = self.mishap()
        self.open(self.browser, host, "/")
        self.browser.cookies.clear(host)
        self.buy_at(self.browser, host)

    def loses_the_session_before_the_form(self):
        host = self.mishap()
        self.buy_at(self.browser, host, before_the_form=lambda: self.lose_session(host))

    def shops_in_two_tabs(self):
        """At the same time, perhaps as the first that the mall sees of this browser."""
        tabs = self.browser.tab(), self.browser.tab()
        places = self.random.choices(HOSTS, k=2)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.buy_at, tabs, places))
        self.browser = self.random.choice(tabs)

    # How it is done.

    def mishap(self):
        host = self.random.choice([host for host in HOSTS if host not in self.unlucky])
        self.unlucky.add(host)
        return host

    def lose_session(self, host):
        self.browser.cookies.put(host, Cookie(COOKIE, "", expires=0))

    def open(self, tab, host, path, headers=None):
        """Type the address, or follow a link to it from the page that is there."""
        navigate = self.random.choice((tab.get, tab.click))
        self.seen(tab, navigate(self.nodes.url(host, path), **(headers or {})))

    def buy_at(self, tab, host, slug="", where="", headers=None, before_the_form=lambda: None):
        slug = slug or host.partition(".")[0]
        goods = f"{slug}-{self.random.choice(GOODS).lower()}"
        page = f"{where}/products/{goods}/"
        self.open(tab, host, page, headers)
        form = {"variant": variant_on(tab), "quantity": 1, "next": page}
        before_the_form()
        self.send(tab, form, headers or {})
        self.promised.add(goods)

    def send(self, tab, form, headers):
        """Press the button, and once more where nothing came back. Where the goods are refused, the line is missed."""
        try:
            response = tab.post("/cart/add/", form, **headers)
        except ConnectionError:
            time.sleep(PAUSE)
            response = tab.post("/cart/add/", form, **headers)
        self.seen(tab, response)

    def seen(self, tab, response):
        assert response.status_code == 200, f"{response.status_code} at {tab.url}"
        self.worst = max(self.worst, tab.redirects)
        self.visited |= {hop.host for hop in tab.hops}
        self.answered_by |= {hop.response.headers["X-Node"] for hop in tab.hops}

    # What is true at the end.

    def looks_back(self):
        """Type the address of each host once more; then see the whole cart in the mall."""
        for host in sorted(self.visited):
            self.seen(self.browser, self.browser.get(self.nodes.url(host, "/about/")))
        self.seen(self.browser, self.browser.get(self.nodes.url(MASTER, "/cart/")))
        self.lost = self.promised - in_cart(self.browser)
        return self

    @property
    def ids(self):
        """The ids that this browser's cookies prove, on whatever host; one that ended by a merge is none any more."""
        proven = {id_in(self.browser, host) for host in self.visited} - {None}
        return {mall_id for mall_id in proven if not SessionStore(proof=Proof(mall_id, 0)).ended}


STEPS = (
    Shopper.buys,
    Shopper.buys,
    Shopper.buys,
    Shopper.looks_into_the_mall,
    Shopper.buys_on_the_malls_path,
    Shopper.buys_with_an_old_browser,
    Shopper.loses_a_cookie_before_the_page,
    Shopper.loses_the_session_before_the_form,
    Shopper.shops_in_two_tabs,
)


def journeys(nodes, count, at_half=lambda: None):
    """The shoppers at their journeys' ends; ``at_half`` is done while others are on their way."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        going = [pool.submit(lambda number: Shopper(nodes, number).walk().looks_back(), n) for n in range(count)]
        for done, _ in enumerate(as_completed(going), start=1):
            if done == count // 2:
                at_half()
    return [journey.result() for journey in going]


def test_journeys_over_twenty_hosts_and_a_killed_node_keep_one_id_and_every_line(scale):
    count = 100 * scale if scale > 1 else 20
    open_mall()
    with running_nodes() as nodes:
        shoppers = journeys(nodes, count, at_half=lambda: nodes.kill("web1"))

    assert len(shoppers) == count
    assert {number: shopper.lost for number, shopper in enumerate(shoppers) if shopper.lost} == {}
    assert {number: shopper.ids for number, shopper in enumerate(shoppers) if len(shopper.ids) != 1} == {}
    assert len(set.union(*(shopper.ids for shopper in shoppers))) == count
    assert max(shopper.worst for shopper in shoppers) <= MOST_REDIRECTS
    if scale > 1:  # a few go to some of them
        assert set.union(*(shopper.visited for shopper in shoppers)) == {MASTER, *HOSTS}
    assert set.union(*(shopper.answered_by for shopper in shoppers)) == {"web1", "web2"}


@pytest.mark.usefixtures("at_proof")
def test_control_without_handoffs_shoppers_split_and_lose_lines(scale):
    count = 8 * scale
    open_mall(handoff_policy="off")
    with running_nodes() as nodes:
        shoppers = journeys(nodes, count)

    assert sum(len(shopper.ids) > 1 for shopper in shoppers) > count / 2
    assert sum(bool(shopper.lost) for shopper in shoppers) > count / 2
    assert max(shopper.worst for shopper in shoppers) <= 1  # a form's answer


@pytest.mark.parametrize("last", [0, 1])
def test_tabs_that_began_as_two_shoppers_become_one_at_the_first_additions(last, monkeypatch):
    """As where the cache is away that makes tabs wait for each other; ``last`` is whose answer comes in last."""
    monkeypatch.setattr(concurrent_tabs, "is_first", lambda request, member, by: True)
    open_mall()
    hosts = DOMAINS[:2]
    pages = [f"http://{host}:8000/products/{host.partition('.')[0]}-lamp/" for host in hosts]
    browser = BrowserClient()
    questions = [browser.request(Step("GET", page, "", "none"))["Location"] for page in pages]
    askers = browser.twin(), browser.twin()
    answers = [asker.request(Step("GET", url, "", "none")) for asker, url in zip(askers, questions, strict=True)]
    for answer in (answers[1 - last], answers[last]):
        browser.cookies.take(MASTER, answer.cookies, secure=False)
    tabs = browser.tab(), browser.tab()
    for tab, answer in zip(tabs, answers, strict=True):
        tab.get(answer["Location"])
    assert len({id_in(browser, host) for host in hosts}) == 2

    for tab in tabs:
        tab.post("/cart/add/", {"variant": variant_on(tab), "quantity": 1})
    for page in pages:
        browser.get(page)
    browser.get(f"http://{MASTER}:8000/cart/")
    assert len({id_in(browser, host) for host in (MASTER, *hosts)}) == 1
    assert in_cart(browser) == {"shop01-lamp", "shop02-lamp"}
