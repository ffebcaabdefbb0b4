"""The accounts' letters as people get them: in the mall's design, with links on the master, and no page that fails."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from mall.accounts.models import User
from tests.support.shop import MASTER, make_shop
from vendors.models import Marketplace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

PASSWORD, NEW = "a-long-enough-1", "another-long-one-2"


@pytest.fixture(autouse=True)
def shop():
    shop = make_shop()
    Marketplace.objects.update(support_email="help@arcade.example")
    return shop


@pytest.fixture
def anna():
    user = User.objects.create_user("anna@example.org", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


@pytest.fixture
def browser():
    return Client(headers={"host": f"{MASTER}:8000", "user-agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})


def change_password(browser, anna):
    browser.force_login(anna)
    return browser.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}, follow=True
    )


def links(letter):
    ((html, _),) = letter.alternatives
    return set(re.findall(r'href="([^"]+)"', html)), set(re.findall(r"https?://\S+", letter.body))


@pytest.mark.parametrize(
    ("page", "email", "subject"),
    [
        ("signup", "new@example.org", "Confirm your address for The Arcade"),
        ("signup", "anna@example.org", "You have an account at The Arcade"),
        ("password/reset", "anna@example.org", "Choose a new password for The Arcade"),
        ("password/reset", "no@example.org", "There is no account for you at The Arcade"),
    ],
)
def test_pages_send_the_malls_letters(anna, browser, page, email, subject):
    browser.post(f"/accounts/{page}/", {"email": email, "password1": PASSWORD})
    (letter,) = mail.outbox
    html, text = links(letter)
    assert letter.subject == subject
    assert letter.to == [email]
    assert letter.from_email.startswith("The Arcade <")
    assert letter.reply_to == ["help@arcade.example"]
    assert html == text
    assert {link.startswith(f"http://{MASTER}:8000/") for link in html} == {True}
    assert "mall.localhost" not in re.sub(r"https?://\S+", "", letter.body), "people read the mall's name"


def test_change_of_a_password_is_said_to_its_owner(anna, browser):
    change_password(browser, anna)
    (letter,) = mail.outbox
    assert letter.subject == "Your password was changed"
    assert "With: Firefox on Linux" in letter.body
    assert f"http://{MASTER}:8000/accounts/password/reset/" in letter.body


def test_mail_server_that_is_away_does_not_undo_the_change(anna, browser, settings):
    nobody = {"host": "127.0.0.1", "port": 1, "timeout": 1}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": nobody}}
    assert change_password(browser, anna).status_code == 200
    anna.refresh_from_db()
    assert anna.check_password(NEW)
