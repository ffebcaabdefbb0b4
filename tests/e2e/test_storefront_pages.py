"""The pages of mall and stores in a browser: they fit a narrow window, and filter with script and without."""

import re

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
    (BARNEY, "/products/corrib-striped-jumper/"),
]


LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragung"  # no line has room for it
HOSTILE = """(word) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (texts.nextNode()) found.push(texts.currentNode);
  const spared = "script, style, option, .bar";
  for (const text of found)
    if (text.nodeValue.trim() && !text.parentElement.closest(spared)) text.nodeValue += ` ${word}`;
  return document.documentElement.scrollWidth;
}"""


@pytest.mark.parametrize(("scheme", "language"), [("light", "English"), ("dark", "Deutsch")])
def test_pages_fit_a_narrow_window(mall_farm, new_page, scheme, language):
    """Each as it is, and with a word of 56 letters behind every text below the bar: 320 px is also 1280 px at 400 %."""
    page = new_page(viewport={"width": 320, "height": 700}, color_scheme=scheme)
    page.goto(mall_farm.url(MASTER, "/stores/kilnrow/products/milk-jug/"))
    page.get_by_role("button", name="Add to cart").press("Enter")
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "1")
    page.get_by_role("button", name=language).press("Enter")
    expect(page.get_by_role("button", name=language)).to_have_attribute("aria-current", "true")
    widths = {}
    for host, path in [*PAGES, (MASTER, "/cart/"), (MASTER, "/checkout/"), (MASTER, "/stores/kilnrow/support/")]:
        assert page.goto(mall_farm.url(host, path)).status == 200
        widths[host, path] = page.evaluate("document.documentElement.scrollWidth")
        widths[host, path, "hostile"] = page.evaluate(HOSTILE, LONG)

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
    expect(page).to_have_url(re.compile("shop=fowlers"))
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


def focused(page) -> str:
    """The element that has the focus, by its id or its words."""
    return page.evaluate("document.activeElement.id || document.activeElement.innerText.trim()")


def test_focus_stays_where_it_was(mall_farm, new_page):
    """By keyboard: suggestions and back, a filter, goods added, a line removed and put back, a typed quantity."""
    page = new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page.goto(mall_farm.url(MASTER, "/"))
    page.get_by_label("Search the whole mall").fill("lant")  # at once: later letters would bring other suggestions
    expect(page.locator(".suggestions a").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert "Lantern" in focused(page) or "lantern" in focused(page)
    page.keyboard.press("Escape")
    assert focused(page) == "bar-search"
    expect(page.locator(".suggestions a")).to_have_count(0)

    page.goto(mall_farm.url(MASTER, "/departments/kitchen/"))
    everything = page.locator(".goods").count()
    page.get_by_label("Fowlers").focus()
    page.keyboard.press("Space")
    expect(page.locator(".goods")).not_to_have_count(everything)
    expect(page.locator("#shop-fowlers")).to_be_focused()

    page.goto(mall_farm.url(MASTER, "/stores/kilnrow/products/milk-jug/"))
    add = page.get_by_role("button", name="Add to cart")
    add.press("Enter")
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "1")
    expect(add).to_be_focused()

    page.goto(mall_farm.url(MASTER, "/cart/"))
    page.get_by_role("button", name="Remove Milk jug").press("Enter")
    expect(page.get_by_role("button", name="Put it back")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("How many of Milk jug").fill("2")
    page.get_by_role("button", name="Check out").press("Enter")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Your cart")
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "2")
    assert page.faults == []


def test_no_button_or_link_is_named_otherwise_than_it_reads(mall_farm, new_page):
    """Those who speak to their browser say what they read (WCAG 2.5.3)."""
    page = new_page(viewport={"width": 1280, "height": 900})
    found = {}
    for host, path in PAGES:
        page.goto(mall_farm.url(host, path))
        found[host, path] = page.evaluate(
            """() => [...document.querySelectorAll("a[aria-label], button[aria-label]")]
              .filter((each) => !each.ariaLabel.toLowerCase().includes(each.innerText.trim().toLowerCase()))
              .map((each) => each.ariaLabel)
              .filter((name) => !["One less", "One more"].includes(name))"""
        )
    assert {place: names for place, names in found.items() if names} == {}
