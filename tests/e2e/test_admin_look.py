"""The back office in a browser: every kind of page passes axe, wide and narrow, light and dark."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
MASTER = "mall.localhost"
PASSWORD = "mall-demo"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PAGES = {
    "fowlers@mall.localhost": [
        "/admin/",
        "/admin/orders/consignment/",
        "/admin/vendors/stock/",
        "/admin/vendors/vendor/1/change/",
        "/admin/vendors/vendor/1/people/",
        "/admin/setup/1/",
        "/admin/shipping/route/",
        "/admin/shipping/route/add/",
        "/admin/shipping/route/add/?transport=sftp",
        "/admin/shipping/route/1/change/",
        "/admin/shipping/dispatch/",
        "/accounts/2fa/",
    ],
    "admin@mall.localhost": [
        "/admin/",
        "/admin/orders/order/",
        "/admin/vendors/vendor/add/",
        "/admin/accounts/user/2/change/",
        "/admin/accounts/user/2/impersonate/",
        "/admin/reconciliation/",
        "/admin/auditlog/logentry/",
    ],
}
LOOKS = [(1280, "light"), (320, "dark"), (320, "light"), (1280, "dark")]


def sign_in(page, farm, email):
    page.goto(farm.url(MASTER, "/accounts/login/?next=/admin/"))
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/admin/")


@pytest.mark.parametrize("email", PAGES)
def test_pages_pass_axe_and_fit_the_window(mall_farm, new_page, email, scale):
    """Two looks a run; ``make prove`` has all four."""
    if not AXE.exists():
        pytest.skip("axe-core of package.json is not installed")
    found = []
    for width, scheme in LOOKS[: 2 * scale]:
        page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        sign_in(page, mall_farm, email)
        for path in PAGES[email]:
            assert page.goto(mall_farm.url(MASTER, path)).status == 200, path
            page.evaluate(AXE.read_text())
            violations = page.evaluate("rules => axe.run(document, rules)", WCAG)["violations"]
            found += [(path, width, scheme, each["id"], each["nodes"][0]["html"][:120]) for each in violations]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((path, width, scheme, "wider than the window"))
        assert page.faults == []
    assert found == []


def test_look_changes_as_colours_are_picked(mall_farm, new_page):
    page = new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    sign_in(page, mall_farm, "fowlers@mall.localhost")
    page.goto(mall_farm.url(MASTER, "/admin/vendors/vendor/1/change/"))
    button = page.locator(".preview--light .preview__button")
    before = button.evaluate("node => getComputedStyle(node).backgroundColor")
    page.locator("#id_accent").evaluate(
        "node => { node.value = '#123456'; node.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    expect(button).to_have_css("background-color", "rgb(18, 52, 86)")
    assert before != "rgb(18, 52, 86)"
    assert page.faults == []
