"""The account in a browser: its pages pass axe and fit the window; a passkey is made, signs in, and leads back."""

from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
MASTER, FOWLERS = "mall.localhost", "fowlers.localhost"
PASSWORD = "mall-demo"
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PAGES = [
    "/accounts/", "/accounts/email/", "/accounts/addresses/add/", "/accounts/data/delete/", "/orders/",
    "/orders/claim/",
    "/orders/find/", "/accounts/addresses/", "/accounts/2fa/", "/accounts/devices/", "/accounts/data/",
]  # fmt: skip
MOST_DIFFERENT = 4  # of them
LOOKS = [(320, "dark"), (1280, "light"), (320, "light"), (1280, "dark")]
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def sign_in(page, farm, email, to):
    page.goto(farm.url(MASTER, f"/accounts/login/?next={to}"))
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/accounts/login/" not in url)


def test_pages_pass_axe_and_fit_the_window(mall_farm, new_page, scale):
    """Four pages in one look; ``make prove`` has all in all four."""
    if not AXE.exists():
        pytest.skip("axe-core of package.json is not installed")
    found = []
    for width, scheme in LOOKS[:scale]:
        page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        sign_in(page, mall_farm, "anna@example.org", "/accounts/")
        for path in PAGES[: MOST_DIFFERENT * scale]:
            assert page.goto(mall_farm.url(MASTER, path)).status == 200, path
            page.evaluate(AXE.read_text())
            violations = page.evaluate("rules => axe.run(document, rules)", WCAG)["violations"]
            found += [(path, width, scheme, each["id"], each["nodes"][0]["html"][:120]) for each in violations]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append((path, width, scheme, "wider than the window"))
        assert page.faults == []
    assert found == []


def test_passkey_signs_in_and_leads_back_to_the_shop(mall_farm, new_page):
    page = new_page()
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})
    sign_in(page, mall_farm, "ben@example.org", "/accounts/2fa/webauthn/add/")
    page.locator("[name=password]").fill(PASSWORD)  # once more, for it is about the account's safety
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    page.goto(mall_farm.url(MASTER, "/accounts/logout/"))
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(mall_farm.url(MASTER, "/"))

    page.goto(mall_farm.url(FOWLERS, "/about/"))
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url(mall_farm.url(FOWLERS, "/about/"))
    page.get_by_role("link", name="Your account").first.wait_for()
    assert page.faults == []
