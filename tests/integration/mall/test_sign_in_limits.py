"""Strangers guess at a password: they are slowed down, the owner is not locked out, with the cache or without it."""

import re

import pytest
from django.core import mail, signing
from django.test import Client
from prometheus_client import REGISTRY

from mall import cache as mall_cache
from mall.accounts import known_devices
from tests.support.shop import make_shop

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_client")]

RIGHT, WRONG = "mall-demo-1", "a guess"
SIGN_IN = "/accounts/login/"
BALANCER = "127.0.0.1"


@pytest.fixture(autouse=True)
def shop():
    return make_shop()


@pytest.fixture
def anna(django_user_model):
    return django_user_model.objects.create_user("anna@example.org", RIGHT)


@pytest.fixture
def ben(django_user_model):
    return django_user_model.objects.create_user("ben@example.org", RIGHT)


@pytest.fixture
def cache_away(settings):
    """No Redis where the cache should be; each process counts for itself."""
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:1/0"}}
    yield
    mall_cache._breaker.record_success()
    mall_cache._local.clear()


def browser(address="203.0.113.1"):
    return Client(headers={"host": "mall.localhost:8000"}, REMOTE_ADDR=address)


def sign_in(client, email, password=RIGHT):
    """Whether the browser is signed in then."""
    client.post(SIGN_IN, {"login": email, "password": password})
    return "_auth_user_id" in client.session


def known_browser(email, address="203.0.113.1"):
    """A browser that signed in before, and out again."""
    client = browser(address)
    assert sign_in(client, email)
    client.post("/accounts/logout/")
    return client


def guess(email, times, networks=25):
    """Guess from many networks, a new browser each."""
    for number in range(times):
        sign_in(browser(f"198.51.100.{number % networks}"), email, WRONG)


def test_guesses_from_everywhere_share_one_budget(anna):
    """Ten networks, one guess each: five are tried, then the right password of an unknown browser is not."""
    refused = REGISTRY.get_sample_value("mall_sign_ins_refused_total") or 0
    guess(anna.email, 10)
    assert REGISTRY.get_sample_value("mall_sign_ins_refused_total") - refused == 5
    stranger = browser("203.0.113.99")
    assert not sign_in(stranger, anna.email)
    page = stranger.post(SIGN_IN, {"login": anna.email, "password": RIGHT}).content.decode()
    assert "Forgot your password?" in page


def test_owner_on_a_known_device_is_not_locked_out(anna):
    owner = known_browser(anna.email)
    guess(anna.email, 10)
    assert sign_in(owner, anna.email)


def test_control_without_the_cookie_locks_the_owner_out(anna):
    owner = known_browser(anna.email)
    guess(anna.email, 10)
    del owner.cookies[known_devices.COOKIE]
    assert not sign_in(owner, anna.email)


def test_owner_elsewhere_gets_in_by_mail(anna):
    guess(anna.email, 10)
    owner = browser("203.0.113.50")
    owner.post("/accounts/password/reset/", {"email": anna.email})
    link = re.search(r"http://\S+/accounts/password/reset/key/\S+", mail.outbox[-1].body)[0]
    form = owner.get(link, follow=True).redirect_chain[-1][0]
    owner.post(form, {"password1": "another-pass-7", "password2": "another-pass-7"})
    assert "_auth_user_id" in owner.session
    owner.post("/accounts/logout/")
    assert sign_in(owner, anna.email, "another-pass-7")


def test_known_device_has_a_budget_too(anna):
    """A stolen browser: ten guesses, then it counts as any other, five more at most."""
    thief = known_browser(anna.email)
    for _ in range(16):
        sign_in(thief, anna.email, WRONG)
    assert not sign_in(thief, anna.email)


def test_device_is_known_for_its_own_accounts_only(anna, ben):
    attacker = known_browser(ben.email)
    guess(anna.email, 10)
    assert not sign_in(attacker, anna.email)
    assert sign_in(attacker, ben.email)


def test_cookie_of_a_device_names_nobody_and_cannot_be_made_up(anna):
    owner = known_browser(anna.email)
    value = owner.cookies[known_devices.COOKIE].value
    assert "anna" not in str(signing.loads(value, salt=known_devices.SALT))
    assert owner.cookies[known_devices.COOKIE]["path"] == "/accounts/"
    assert owner.cookies[known_devices.COOKIE]["httponly"]
    guess(anna.email, 10)
    owner.cookies[known_devices.COOKIE] = value[:-1] + ("A" if value[-1] != "A" else "B")
    assert not sign_in(owner, anna.email)


def test_forgetting_takes_the_cookie_away(anna):
    owner = known_browser(anna.email)
    owner.post("/privacy/forget/")
    assert not owner.cookies[known_devices.COOKIE].value


def test_one_network_does_not_shut_itself_out_for_ever(anna, ben):
    """Ten wrong passwords in a minute end the network's strangers' turn; a known device there goes on."""
    neighbour = known_browser(ben.email, "198.51.100.7")
    for number in range(12):
        sign_in(browser("198.51.100.7"), f"nobody{number}@example.org", WRONG)
    assert not sign_in(browser("198.51.100.7"), ben.email)
    assert sign_in(neighbour, ben.email)


def test_balancer_that_hides_its_clients_shuts_nobody_out(anna):
    """25 wrong passwords, each for another account, come from the loopback address; so does everybody else."""
    for number in range(25):
        sign_in(browser(BALANCER), f"nobody{number}@example.org", WRONG)
    assert sign_in(browser(BALANCER), anna.email)


def test_sign_in_goes_on_without_the_cache(anna, cache_away):
    assert sign_in(browser(), anna.email)


def test_limits_go_on_without_the_cache(anna, cache_away):
    owner = known_browser(anna.email)
    guess(anna.email, 10)
    assert not sign_in(browser("203.0.113.99"), anna.email)
    assert sign_in(owner, anna.email)


def test_limits_that_are_met_are_a_page_of_the_mall(anna):
    client = browser()
    answers = [client.post("/accounts/password/reset/", {"email": f"x{n}@example.org"}) for n in range(21)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
    assert "Wait a minute, then try again" in " ".join(answers[-1].content.decode().split())
