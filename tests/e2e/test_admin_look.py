"""The back office in a browser: every kind of page passes axe, wide and narrow, light and dark."""

import pytest
from playwright.sync_api import expect

from tests.e2e.axe import faults_of
from tests.e2e.shopper import MASTER, sign_in

PAGES = {
    "fowlers@mall.localhost": [
        "/admin/",
        "/admin/orders/consignment/",
        "/admin/vendors/stock/",
        "/admin/vendors/vendor/1/change/",
        "/admin/vendors/deliveryzone/",
        "/admin/vendors/deliveryzone/1/change/",
        "/admin/vendors/vendor/1/people/",
        "/admin/setup/1/",
        "/admin/shipping/route/",
        "/admin/shipping/route/add/",
        "/admin/shipping/route/add/?transport=sftp",
        "/admin/shipping/route/1/change/",
        "/admin/shipping/dispatch/",
        "/admin/shipping/scriptrun/",
        "/admin/shipping/scriptrun/add/",
        "/accounts/2fa/",
    ],
    "admin@mall.localhost": [
        "/admin/",
        "/admin/orders/order/",
        "/admin/vendors/vendor/add/",
        "/admin/accounts/user/2/change/",
        "/admin/accounts/user/2/impersonate/",
        "/admin/letter-kinds/",
        "/admin/letter-kinds/order-placed/",
        "/admin/reconciliation/",
        "/admin/auditlog/logentry/",
    ],
}
LOOKS = [(320, "dark"), (1280, "light"), (320, "light"), (1280, "dark")]


@pytest.mark.parametrize("email", PAGES)
def test_pages_pass_axe_and_fit_the_window(mall_farm, new_page, email, scale):
    """One look a run; ``make prove`` has all four."""
    found = []
    for width, scheme in LOOKS[:scale]:
        page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        sign_in(page, mall_farm, email, "/admin/")
        for path in PAGES[email]:
            assert page.goto(mall_farm.url(MASTER, path)).status == 200, path
            found += [(path, width, scheme, fault) for fault in faults_of(page)]
        assert page.faults == []
    assert found == []


def test_look_changes_as_colours_are_picked(mall_farm, new_page):
    page = new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    sign_in(page, mall_farm, "fowlers@mall.localhost", "/admin/")
    page.goto(mall_farm.url(MASTER, "/admin/vendors/vendor/1/change/"))
    button = page.locator(".preview--light .preview__button")
    before = button.evaluate("node => getComputedStyle(node).backgroundColor")
    page.locator("#id_accent").evaluate(
        "node => { node.value = '#123456'; node.dispatchEvent(new Event('input', {bubbles: true})); }"
    )
    expect(button).to_have_css("background-color", "rgb(18, 52, 86)")
    assert before != "rgb(18, 52, 86)"
    assert page.faults == []
