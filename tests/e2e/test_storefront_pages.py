"""The pages of mall and stores in a browser: they fit a narrow window, and filter with script and without."""

import pytest
from playwright.sync_api import expect

MASTER, FOWLERS, BARNEY = "mall.localhost", "fowlers.localhost", "noblebarney.localhost"
PAGES = [
    (MASTER, "/"),
    (MASTER, "/departments/kitchen/"),
    (MASTER, "/search/?q=knife&stock=1"),
    (MASTER, "/search/?q=zeppelin"),
    (MASTER, "/stores/kilnrow/"),
    (MASTER, "/stores/tumblewick/"),
    (MASTER, "/about/"),
    (MASTER, "/privacy/"),
    (MASTER, "/accounts/login/"),
    (FOWLERS, "/"),
    (FOWLERS, "/products/rose-inn-stove-kettle/"),
    (FOWLERS, "/search/"),
    (FOWLERS, "/about/"),
    (FOWLERS, "/delivery/"),
    (BARNEY, "/products/claddagh-fishermans-jumper/"),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_narrow_window(mall_farm, new_page, scheme):
    page = new_page(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    widths = {}
    for host, path in PAGES:
        assert page.goto(mall_farm.url(host, path)).status == 200
        widths[host, path] = page.evaluate("document.documentElement.scrollWidth")

    assert {place: width for place, width in widths.items() if width > 320} == {}
    assert page.faults == []


def test_stores_look_different(mall_farm, new_page):
    page = new_page()
    looks = []
    for host in (FOWLERS, BARNEY, "thistle.shops.localhost"):
        page.goto(mall_farm.url(host))
        looks.append(
            (
                page.locator(".shop-head__name").evaluate("node => getComputedStyle(node).fontFamily"),
                page.evaluate("getComputedStyle(document.documentElement).backgroundColor"),
                page.locator(".button").first.evaluate("node => getComputedStyle(node).backgroundColor"),
            )
        )

    for trait in zip(*looks, strict=True):
        assert len(set(trait)) == len(looks)


def test_filters_with_script(mall_farm, new_page):
    page = new_page(viewport={"width": 1280, "height": 900})
    page.goto(mall_farm.url(MASTER, "/departments/kitchen/"))
    everything = page.locator(".goods").count()

    page.get_by_label("Fowlers").check()

    expect(page.locator(".goods")).not_to_have_count(everything)
    expect(page.get_by_label("Fowlers")).to_be_checked()
    assert "shop=fowlers" in page.url
    page.get_by_role("link", name="Remove Fowlers").click()
    expect(page.locator(".goods")).to_have_count(everything)
    assert page.faults == []


def test_filters_without_script(mall_farm, new_page):
    page = new_page(viewport={"width": 320, "height": 700}, java_script_enabled=False)
    page.goto(mall_farm.url(MASTER, "/departments/kitchen/"))
    everything = page.locator(".goods").count()

    page.get_by_text("Filter and sort").click()
    page.get_by_label("Fowlers").check()
    page.get_by_role("button", name="Show them").click()

    expect(page.locator(".goods")).not_to_have_count(everything)
    page.get_by_role("link", name="Remove Fowlers").click()
    expect(page.locator(".goods")).to_have_count(everything)


def test_quantity_by_buttons(mall_farm, new_page):
    page = new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto(mall_farm.url(FOWLERS, "/products/rose-inn-stove-kettle/"))

    page.get_by_role("button", name="One more").click()

    expect(page.get_by_label("Quantity")).to_have_value("2")
    page.get_by_role("button", name="One less").click()
    page.get_by_role("button", name="One less").click()
    expect(page.get_by_label("Quantity")).to_have_value("1")
