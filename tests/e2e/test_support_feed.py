"""The support feed in browsers: a shopper opens the support page, and the vendor's staff see it happen."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.shopper import FOWLERS, MASTER
from tests.support.waiting import wait_for

PASSWORD = "mall-demo"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
STAFF_PAGE = "/watch/fowlers/"


@pytest.fixture
def staff_page(mall_farm, new_page):
    """Make the staff's page as somebody sees it after signing in."""

    def make(email="support@fowlers.localhost", before=lambda page: None, **options):
        page = new_page(**options)
        before(page)
        page.goto(mall_farm.url(MASTER, f"/accounts/login/?next={STAFF_PAGE}"))
        page.locator("[name=login]").fill(email)
        page.locator("[name=password]").fill(PASSWORD)
        page.get_by_role("main").get_by_role("button", name="Sign in").click()
        page.wait_for_url(mall_farm.url(MASTER, STAFF_PAGE))
        return page

    return make


@pytest.fixture
def shopper(mall_farm, new_page):
    """Make a shopper's browser that stands on the support page, and the name it is shown by."""

    def make(**options):
        page = new_page(**options)
        page.goto(mall_farm.url(FOWLERS.host))
        page.goto(mall_farm.url(FOWLERS.host, "/support/"))
        return page, page.locator(".pseudonym").inner_text()

    return make


def here(page, name):
    return page.locator("#present tr").filter(has_text=name)


def test_an_arrival_and_a_departure_show_up_live(mall_farm, staff_page, shopper):
    staff = staff_page()
    expect(staff.locator("#link")).to_have_text("Live")
    visitor, name = shopper()

    expect(here(staff, name)).to_contain_text("New")
    expect(staff.locator("#said")).to_have_text(f"{name} opened the help page")
    expect(staff.locator("#history")).to_contain_text(name)
    visitor.reload()
    visitor.goto(mall_farm.url(FOWLERS.host))
    expect(here(staff, name)).to_contain_text("Left")
    expect(here(staff, name)).to_have_count(0)
    expect(staff.locator("#history tr").filter(has_text=name)).to_have_count(1)
    assert staff.faults == []
    assert visitor.faults == []


def test_another_tab_keeps_the_visit(mall_farm, staff_page, shopper):
    staff = staff_page()
    visitor, name = shopper()
    second = visitor.context.new_page()
    second.goto(mall_farm.url(FOWLERS.host, "/support/"))
    expect(here(staff, name)).to_have_count(1)
    visitor.close(run_before_unload=False)
    staff.wait_for_timeout(7_500)  # past the grace and the sweep after it

    expect(here(staff, name)).not_to_contain_text("Left")


def test_the_lists_work_without_javascript_on_both_sides(staff_page, shopper):
    _, name = shopper(java_script_enabled=False)
    staff = staff_page(java_script_enabled=False)

    expect(here(staff, name)).to_contain_text("Here")
    expect(staff.locator("#link")).to_contain_text("As of")
    expect(staff.locator("#sound")).to_be_hidden()
    staff.get_by_role("link", name="Look again").click()
    expect(here(staff, name)).to_contain_text("Here")


def test_other_vendors_staff_cannot_open_it(mall_farm, new_page):
    page = new_page()
    page.goto(mall_farm.url(MASTER, f"/accounts/login/?next={STAFF_PAGE}"))
    page.locator("[name=login]").fill("noblebarney@mall.localhost")
    page.locator("[name=password]").fill(PASSWORD)
    with page.expect_response(re.compile(re.escape(STAFF_PAGE) + "$")) as answered:
        page.get_by_role("main").get_by_role("button", name="Sign in").click()

    assert answered.value.status == 404
    assert socket_opens(page, mall_farm.url(MASTER, "/ws/watch/fowlers/")) is False
    assert socket_opens(page, mall_farm.url(MASTER, "/ws/watch/noblebarney/")) is True


def test_a_page_of_a_vendors_host_cannot_open_the_socket(mall_farm, staff_page):
    staff = staff_page()
    address = mall_farm.url(MASTER, "/ws/watch/fowlers/")
    assert socket_opens(staff, address) is True
    staff.goto(mall_farm.url(FOWLERS.host))

    assert socket_opens(staff, address) is False


def socket_opens(page, address):
    return page.evaluate(
        """address => new Promise(done => {
            const socket = new WebSocket(address.replace("http", "ws"));
            socket.onopen = () => { socket.close(); done(true); };
            socket.onerror = () => done(false);
        })""",
        address,
    )


@pytest.mark.usefixtures("at_proof")
def test_a_killed_node_costs_no_arrival(mall_farm, staff_page, shopper):
    staff = staff_page()
    expect(staff.locator("#link")).to_have_text("Live")
    for node in ("web1", "web2"):  # one of them holds the socket
        mall_farm.kill(node)
        _, name = shopper()
        expect(here(staff, name)).to_have_count(1, timeout=20_000)
        expect(staff.locator("#link")).to_have_text("Live", timeout=20_000)
        assert wait_for(mall_farm.both_answer, "both nodes")

    expect(staff.locator("#missed")).to_be_hidden()


def hide(page, state):
    """Let a page believe that its tab is hidden or shown: a headless browser shows all of its tabs."""
    page.evaluate(
        """state => {
            Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


def test_two_screens_three_shoppers_one_of_them_in_a_hidden_tab(mall_farm, staff_page, shopper, tmp_path):
    """One screen has no sockets: the network breaks them, so it chooses the event stream by itself."""

    def break_sockets(page):
        page.route_web_socket(re.compile("/ws/"), lambda socket: socket.close())

    first, second = staff_page(), staff_page("fowlers@mall.localhost", before=break_sockets)
    shoppers = [shopper() for _ in range(3)]
    for screen in (first, second):
        expect(screen.locator("#link")).to_have_text("Live")
        for _, name in shoppers:
            expect(here(screen, name)).to_contain_text("New")
    expect(first.locator("#link")).to_have_attribute("data-transport", "socket")
    expect(second.locator("#link")).to_have_attribute("data-transport", "stream")

    (hidden, name), (_, taken), _ = shoppers
    hide(hidden, "hidden")
    expect(here(first, name)).to_contain_text("Away")
    expect(here(second, name)).to_contain_text("Away")
    first.locator("select[name=show]").select_option("idle")
    expect(here(first, taken)).to_be_hidden()
    first.locator("select[name=show]").select_option("")
    hide(hidden, "visible")
    expect(here(second, name)).not_to_contain_text("Away")

    claims_and_lets_go(first, second, taken)
    paused_screen_holds_the_list(first, second, shopper)
    for number, screen in enumerate((first, second)):
        screen.screenshot(path=tmp_path / f"desk-{number}.png", full_page=True)
    assert first.faults == []


def test_clock_of_the_browser_does_not_matter(staff_page, shopper):
    late = "const real = Date.now.bind(Date); Date.now = () => real() + 3_600_000;"
    staff = staff_page(before=lambda page: page.add_init_script(late))
    _, name = shopper()

    expect(here(staff, name)).to_contain_text("New")
    expect(here(staff, name).locator(".watch__age")).to_have_text(re.compile("^[0-9]+ s"))


def claims_and_lets_go(first, second, taken):
    first.get_by_label("Note for the others").fill("asks about oars")
    take = first.get_by_role("button", name=f"Take {taken}")
    take.focus()
    first.keyboard.press("Enter")
    expect(here(second, taken)).to_contain_text("asks about oars")
    expect(second.get_by_role("button", name=f"Take {taken}")).to_be_hidden()
    first.get_by_role("button", name=f"Let {taken} go").press("Enter")
    expect(second.get_by_role("button", name=f"Take {taken}")).to_be_visible()


def paused_screen_holds_the_list(first, second, shopper):
    second.locator("#pause").press("Enter")
    _, late = shopper()
    expect(here(first, late)).to_have_count(1)
    expect(second.locator("#pause")).to_contain_text("1 new")
    expect(here(second, late)).to_have_count(0)
    second.locator("#pause").press("Enter")
    expect(here(second, late)).to_have_count(1)


def test_pages_of_the_desk_pass_axe_and_fit_320_pixels(mall_farm, staff_page, shopper):
    if not AXE.exists():
        pytest.skip("axe-core of package.json is not installed")
    visitor, _ = shopper(viewport={"width": 320, "height": 700}, bypass_csp=True)
    staff = staff_page("fowlers@mall.localhost", viewport={"width": 320, "height": 700}, bypass_csp=True)
    pages = [(staff, mall_farm.url(MASTER, f"{STAFF_PAGE}{path}")) for path in ("", "history/", "settings/")]
    pages += [(visitor, mall_farm.url(FOWLERS.host, path)) for path in ("/support/", "/watching/")]
    found = []
    for page, address in pages:
        page.goto(address)
        page.evaluate(AXE.read_text())
        violations = page.evaluate("rules => axe.run(document, rules)", WCAG)["violations"]
        found += [(address, each["id"], each["nodes"][0]["html"][:120]) for each in violations]
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            found.append((address, "wider than the window"))
    assert found == []
