"""The till finds the cart in browsers that no hand-off can lead or that keep no cookies: real ones, by buttons."""

import itertools

import pytest
from playwright.sync_api import expect

from deploy.servers import processes
from tests.e2e import chromium, tls
from tests.e2e.tls import BARE, GOODS, KETTLE, LAMP, MALL, MISNAMED, MORE_GOODS, name_of
from tests.support.nodes import running_nodes

AMBER, CORAL, *_ = MALL.stores
PHONE = "Mozilla/5.0 (Linux; Android 10; CUBOT P40) AppleWebKit/537.36 Chrome/156.0.0.0 Mobile Safari/537.36"
people = itertools.count(1)


@pytest.fixture(scope="module", params=["chromium", "webkit"])
def browser(request, playwright, chromium_program):
    """Each engine that Playwright has here; of WebKit there is its own build only."""
    if request.param == "webkit":
        program = playwright.webkit.executable_path
        if not chromium.find(program, others=()):
            pytest.skip("No WebKit: .venv/bin/playwright install --with-deps webkit")
        launched = playwright.webkit.launch(executable_path=program)
    else:
        launched = playwright.chromium.launch(
            executable_path=chromium_program, args=[*chromium.flags(), *tls.CHROMIUM_FLAGS]
        )
    yield launched
    launched.close()


@pytest.fixture(scope="module")
def plain_nodes(communities):
    """The same communities over plain HTTP, where browsers send no Fetch Metadata."""
    shared = {name: communities.environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
    port = processes.free_port()
    plain = {"PUBLIC_SCHEME": "http", "PUBLIC_PORT": str(port), "BEHIND_PROXY": "false"}
    with running_nodes(count=1, port=port, **shared, **plain) as nodes:
        yield nodes


def add(page):
    page.get_by_role("button", name="Add to cart").click()
    expect(page.get_by_text("Added:").or_(page.get_by_role("heading", name="In your cart"))).to_be_visible()


def check_out(page):
    """Press the button of a store's cart, and where the till asks whether to add the goods, say yes."""
    page.get_by_role("button", name="Check out").click()
    asked = page.get_by_role("button", name="Add to the cart")
    expect(page.get_by_label("E-mail").or_(asked)).to_be_visible()
    if asked.is_visible():
        asked.click()
    expect(page.get_by_label("E-mail")).to_be_visible()


def buy_in_two_stores(page, nodes):
    """Add the lamp of each store and press its checkout button; the till then shows both."""
    for store in (AMBER, CORAL):
        page.goto(nodes.url(store, LAMP))
        add(page)
        page.goto(nodes.url(store, "/cart/"))
        check_out(page)
    page.goto(nodes.url(MALL.master, "/cart/"))
    for store in (AMBER, CORAL):
        expect(page.get_by_role("main").get_by_role("heading", name=name_of(store), level=2)).to_be_visible()
    expect(page.get_by_role("main").get_by_role("heading", name=GOODS, level=3)).to_have_count(2)


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
@pytest.mark.parametrize("agent", [MISNAMED, PHONE], ids=["robot", "telephone"])
def test_misnamed_browser_finds_both_lines_at_the_till(communities, new_page, agent, javascript):
    page = new_page(ignore_https_errors=True, user_agent=f"{agent} {next(people)}", java_script_enabled=javascript)
    buy_in_two_stores(page, communities)
    assert page.faults == []


def test_browser_over_plain_http_finds_both_lines_at_the_till(plain_nodes, new_page):
    page = new_page(user_agent=f"Mozilla/5.0 Chrome/156.0.0.0 plain {next(people)}")
    sent = []
    page.on("request", lambda request: sent.append(request.headers))
    buy_in_two_stores(page, plain_nodes)
    assert not any("sec-fetch-mode" in headers for headers in sent)


def test_browser_without_cookies_and_scripts_finds_both_lines_at_the_till(communities, new_cookieless_page):
    page = new_cookieless_page(java_script_enabled=False)
    page.goto(communities.url(BARE.stores[0], LAMP))
    add(page)
    page.goto(page.url.replace(LAMP, KETTLE))  # the address says who this is
    add(page)
    page.locator(".bar__link--cart").click()
    check_out(page)
    page.locator(".bar__link--cart").click()
    assert BARE.master in page.url
    for goods in (GOODS, MORE_GOODS):
        expect(page.get_by_role("main").get_by_role("heading", name=goods, level=3)).to_be_visible()
    assert page.context.cookies() == []
