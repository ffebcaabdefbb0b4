"""The accounts' letters as people get them: in the mall's design, with links on the master, and no page that fails."""

import re
from datetime import timedelta

import pytest
import time_machine
from aiosmtpd.controller import Controller
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from deploy.servers.processes import free_port
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


@pytest.fixture
def mail_server(settings):
    """Let letters go by a server on this port."""
    before = settings.MAILERS

    def choose(port):
        options = {"host": "127.0.0.1", "port": port, "timeout": 60}
        backend = "django.core.mail.backends.smtp.EmailBackend"
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}} if port else before

    return choose


NOBODY = 1


def test_mail_server_that_is_away_does_not_undo_the_change(anna, browser, mail_server):
    mail_server(NOBODY)
    assert change_password(browser, anna).status_code == 200
    anna.refresh_from_db()
    assert anna.check_password(NEW)


@pytest.mark.parametrize("page", ["signup", "password/reset"])
@pytest.mark.parametrize("email", ["new@example.org", "anna@example.org"])
def test_mail_server_that_is_away_is_said_alike_to_strangers_and_customers(anna, browser, mail_server, page, email):
    mail_server(NOBODY)
    answer = browser.post(f"/accounts/{page}/", {"email": email, "password1": PASSWORD})
    assert answer.status_code == 503
    assert "No letters go out right now." in answer.text
    assert email not in answer.text


def test_who_signed_up_while_the_mail_server_was_away_signs_in_for_the_letter(browser, mail_server):
    mail_server(NOBODY)
    browser.post("/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD})
    mail_server(None)
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        browser.post("/accounts/login/", {"login": "new@example.org", "password": PASSWORD})
    assert [letter.subject for letter in mail.outbox] == ["Confirm your address for The Arcade"]


def test_address_that_is_added_while_the_mail_server_is_away_is_kept(anna, browser, mail_server):
    mail_server(NOBODY)
    browser.force_login(anna)
    browser.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = browser.post("/accounts/email/", {"email": "second@example.org", "action_add": "1"})
    assert answer.status_code == 503
    assert "second@example.org" in browser.get("/accounts/email/").text


def test_address_that_the_mail_server_refuses_is_named(browser, mail_server):
    class Refusing:
        async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 -- aiosmtpd's name
            return "550 No such user"

    server = Controller(Refusing(), hostname="127.0.0.1", port=free_port(), ready_timeout=60)
    server.start()
    try:
        mail_server(server.port)
        answer = browser.post("/accounts/signup/", {"email": "gone@example.org", "password1": PASSWORD})
    finally:
        server.stop()
    assert answer.status_code == 400
    assert "Letters to <strong>gone@example.org</strong> are refused." in answer.text
