"""The account in a browser: its pages pass axe and fit the window; a passkey is made, signs in, and leads back."""

from tests.e2e.axe import LOOKS, faults_of
from tests.e2e.shopper import MASTER, PASSWORD, sign_in

FOWLERS = "fowlers.localhost"
PAGES = [
    "/accounts/", "/accounts/email/", "/accounts/addresses/add/", "/accounts/data/delete/", "/orders/",
    "/orders/claim/",
    "/orders/find/", "/accounts/addresses/", "/accounts/2fa/", "/accounts/devices/", "/accounts/data/",
    "/accounts/waiting/", "/accounts/password/change/",
]  # fmt: skip
MOST_DIFFERENT = 4  # of them
KEY = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


def test_pages_pass_axe_and_fit_the_window(mall_farm, new_page, scale):
    """Four pages in one look; ``make prove`` has all in all eight."""
    found = []
    for look in LOOKS[:scale]:
        page = new_page(**look.options)
        sign_in(page, mall_farm, "anna@example.org", "/accounts/")
        look.choose(page, mall_farm, "/accounts/")
        for path in PAGES[: MOST_DIFFERENT * scale]:
            assert page.goto(mall_farm.url(MASTER, path)).status == 200, path
            found += [(path, *look, fault) for fault in faults_of(page)]
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
    page.wait_for_url(mall_farm.url(MASTER, "/accounts/2fa/webauthn/add/"))  # loaded, with the button's script
    page.get_by_role("button", name="Add the passkey").click()
    page.get_by_role("heading", name="Recovery codes").wait_for()
    page.goto(mall_farm.url(MASTER, "/accounts/logout/"))
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url(mall_farm.url(MASTER, "/"))

    page.goto(mall_farm.url(FOWLERS, "/about/"))
    page.get_by_role("link", name="Sign in").click()
    page.wait_for_url("**/accounts/login/**")
    page.get_by_role("button", name="Use a passkey").click()

    page.wait_for_url(mall_farm.url(FOWLERS, "/about/"))
    page.get_by_role("link", name="Your account").first.wait_for()
    assert page.faults == []
