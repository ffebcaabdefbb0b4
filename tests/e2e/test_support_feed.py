"""The support feed in browsers: a shopper opens the support page, and the vendor's staff see it happen."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.shopper import FOWLERS, MASTER
from tests.support.waiting import wait_for

PASSWORD = "mall-demo"
STAFF_PAGE = "/watch/fowlers/"


@pytest.fixture
def staff_page(mall_farm, new_page):
    """Make the staff's page as somebody sees it after signing in."""

    def make(email="support@fowlers.localhost", **options):
        page = new_page(**options)
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
    expect(staff.locator("#said")).to_have_text(f"{name} opened the support page")
    expect(staff.locator("#history")).to_contain_text(name)
    visitor.reload()
    visitor.goto(mall_farm.url(FOWLERS.host))
    expect(here(staff, name)).to_contain_text("Left")
    expect(here(staff, name)).to_have_count(0, timeout=15_000)
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
