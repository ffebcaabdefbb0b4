"""What an open browser alone cannot do, and where allauth's pages stand in the account."""

import pytest
from allauth.account.models import EmailAddress

from tests.integration.accounts.conftest import PASSWORD, client_of

EMAIL = "/accounts/email/"


def addresses(user):
    return sorted(EmailAddress.objects.filter(user=user).values_list("email", flat=True))


@pytest.mark.parametrize("action", ["action_add", "action_primary", "action_remove"])
def test_addresses_change_after_the_password_alone(shop, anna, action):
    EmailAddress.objects.create(user=anna, email="second@example.org", verified=True)
    email = "third@example.org" if action == "action_add" else "second@example.org"
    client = client_of(anna)
    answer = client.post(EMAIL, {action: "", "email": email})
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert addresses(anna) == ["anna@example.org", "second@example.org"]
    assert EmailAddress.objects.get(user=anna, primary=True).email == "anna@example.org"

    client.post(answer["Location"], {"password": PASSWORD, "next": EMAIL})
    client.post(EMAIL, {action: "", "email": email})
    changed = {
        "action_add": "third@example.org" in addresses(anna),
        "action_remove": "second@example.org" not in addresses(anna),
        "action_primary": EmailAddress.objects.get(user=anna, primary=True).email == "second@example.org",
    }
    assert changed[action]


def test_own_address_cannot_be_removed(shop, anna):
    client = client_of(anna)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": EMAIL})
    client.post(EMAIL, {"action_remove": "", "email": "anna@example.org"})
    assert addresses(anna) == ["anna@example.org"]
    assert "Remove" not in client.get(EMAIL).text


def test_a_wrong_password_leads_no_further(shop, anna):
    client = client_of(anna)
    answer = client.post("/accounts/reauthenticate/", {"password": "a guess", "next": EMAIL})
    assert answer.status_code == 200
    assert client.post(EMAIL, {"action_add": "", "email": "x@example.org"})["Location"].startswith(
        "/accounts/reauthenticate/"
    )


@pytest.mark.parametrize("path", ["/accounts/2fa/webauthn/add/", "/accounts/2fa/totp/activate/"])
def test_second_factors_are_added_after_the_password(shop, anna, path):
    client = client_of(anna)
    assert client.get(path)["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": path})
    page = client.get(path)
    assert page.status_code == 200
    assert page.text.count('aria-current="page"') == 1


def test_new_passkey_is_offered_a_name(shop, anna):
    client = client_of(anna)
    path = "/accounts/2fa/webauthn/add/"
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": path})
    assert 'value="Passkey 1"' in client.get(path).text
