"""No page says who has an account: sign-up, sign-in and reset answer alike, and the owner gets a letter."""

import re

import pytest
from django.contrib.auth import hashers
from django.core import mail
from django.test import Client

from mall.accounts.models import User
from tests.support.shop import make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

PASSWORD = "a-long-enough-1"
OWNED, FREE = "anna@example.org", "free@example.org"


@pytest.fixture(autouse=True)
def shop(settings):
    settings.DEMO = False  # its asides show the visitor's number
    return make_shop()


@pytest.fixture(autouse=True)
def anna(django_user_model):
    return django_user_model.objects.create_user(OWNED, PASSWORD)


@pytest.fixture
def hashed(monkeypatch):
    """How often a password was hashed: what an answer's time is made of."""
    counts = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher, "encode", lambda *args, **kwargs: counts.append(1) or encode(*args, **kwargs)
    )
    return counts


def browser():
    return Client(headers={"host": "mall.localhost:8000"}, REMOTE_ADDR="203.0.113.1")


def answer(path, data, hashed):
    """All that a stranger can see of an answer, up to the address itself, and what it cost."""
    client, before = browser(), (len(hashed), len(mail.outbox))
    response = client.post(path, data)
    seen = [response.status_code, response.get("Location"), response.content.decode()]
    if response.status_code == 302:
        seen.append(client.get(response["Location"]).content.decode())
    email = data.get("email") or data.get("login")
    texts = tuple(plain(str(part)).replace(email, "ADDRESS") for part in seen)
    cookies = {name: bool(morsel.value) for name, morsel in client.cookies.items()}
    return texts, cookies, len(hashed) - before[0], len(mail.outbox) - before[1]


def plain(page):
    return re.sub(r'(name="csrfmiddlewaretoken" value|nonce|content)="[^"]*"', "", page)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/accounts/signup/", {"email": "", "password1": PASSWORD}),
        ("/accounts/signup/", {"email": "", "password1": "short"}),
        ("/accounts/login/", {"login": "", "password": "a guess"}),
        ("/accounts/password/reset/", {"email": ""}),
    ],
    ids=["sign-up", "sign-up with a bad password", "sign-in", "reset"],
)
def test_answer_is_the_same_whether_an_account_exists(path, fields, hashed):
    answers = []
    for email in (OWNED, FREE):
        field = "login" if "login" in fields else "email"
        answers.append(answer(path, fields | {field: email}, hashed))
    assert answers[0] == answers[1]


def test_sign_up_for_an_account_that_exists_writes_to_its_owner(anna):
    browser().post("/accounts/signup/", {"email": OWNED, "password1": PASSWORD + "2"})
    [letter] = mail.outbox
    assert letter.to == [OWNED]
    assert "You have an account already" in letter.body
    assert User.objects.count() == 1
    anna.refresh_from_db()
    assert anna.check_password(PASSWORD)


def test_sign_up_is_finished_by_the_letter():
    client = browser()
    client.post("/accounts/signup/?next=/checkout/", {"email": FREE, "password1": PASSWORD, "next": "/checkout/"})
    assert "_auth_user_id" not in client.session
    link = re.search(r"http://\S+/accounts/confirm-email/\S+", mail.outbox[-1].body)[0]
    assert client.get(link).status_code == 200
    response = client.post(link)
    assert response["Location"] == "/checkout/"
    assert "_auth_user_id" in client.session


def test_sign_in_before_the_letter_is_answered_sends_it_again():
    browser().post("/accounts/signup/", {"email": FREE, "password1": PASSWORD})
    client = browser()
    response = client.post("/accounts/login/", {"login": FREE, "password": PASSWORD})
    assert response["Location"] == "/accounts/confirm-email/"
    assert "Look into your mail" in client.get(response["Location"]).content.decode()
    assert "_auth_user_id" not in client.session


def test_account_that_staff_made_has_no_address_to_confirm():
    client = browser()
    client.post("/accounts/login/", {"login": OWNED, "password": PASSWORD})
    assert "_auth_user_id" in client.session
    assert not mail.outbox


def test_stranger_who_asks_for_a_reset_changes_nothing_for_the_owner():
    browser().post("/accounts/password/reset/", {"email": OWNED})
    client = browser()
    client.post("/accounts/login/", {"login": OWNED, "password": PASSWORD})
    assert "_auth_user_id" in client.session


def test_reset_confirms_the_address_of_a_sign_up():
    """The letter of the sign-up was lost; the link of the reset came to the same address."""
    browser().post("/accounts/signup/", {"email": FREE, "password1": PASSWORD})
    client = browser()
    client.post("/accounts/password/reset/", {"email": FREE})
    link = re.search(r"http://\S+/accounts/password/reset/key/\S+", mail.outbox[-1].body)[0]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "another-pass-7", "password2": "another-pass-7"})
    assert "_auth_user_id" in client.session
