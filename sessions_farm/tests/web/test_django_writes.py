"""What Django writes to a session by itself, in views of each mode: auth, messages and CSRF."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth import HASH_SESSION_KEY, get_user_model, update_session_auth_hash
from django.middleware.csrf import get_token
from django.test import AsyncClient
from django.test import Client as StockClient

from sessions_farm.session.read_only import ReadOnlySessionError
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support import flows_site, modes_site
from sessions_farm.tests.support.people import make_user
from sessions_farm.web.decorators import SessionOffError

READONLY = ["readonly", "readonly-class", "readonly-template"]
BOUND = [*READONLY, "exclusive"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def site(settings):
    settings.MIDDLEWARE = flows_site.MIDDLEWARE
    settings.ROOT_URLCONF = "sessions_farm.tests.support.modes_site"
    settings.SESSION_COOKIE_SECURE = False
    settings.SESSIONS_FARM = {"STORE": "database", "READONLY_RAISES": False}
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    settings.LOGIN_URL = "/free"
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
    yield settings
    modes_site.TO_DO.clear()


@pytest.fixture(params=[False, True], ids=["production", "tests"])
def strict(request, site):
    site.SESSIONS_FARM = site.SESSIONS_FARM | {"READONLY_RAISES": request.param}


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def browser(user):
    client = StockClient(enforce_csrf_checks=True)
    client.force_login(user)
    return client


def visit(client, place, do, method="get", **given):
    modes_site.TO_DO[:] = [do]
    return getattr(client, method)(f"/{place}", given)


def is_signed_in(request):
    return request.user.is_authenticated


def change_password():
    """On another device."""
    user = get_user_model().objects.get()
    user.set_password("another")
    user.save()


def stored(session_id):
    return dict(SessionStore(session_id).items())


@pytest.mark.parametrize("place", ["free", *BOUND])
def test_changed_password_ends_the_session_in_any_view(strict, browser, place):
    """The person is anonymous in this very view, on every later page, and with every copy of the cookie."""
    before = browser.session.session_key
    change_password()
    response = visit(browser, place, is_signed_in)
    assert (response.status_code, response.content) == (200, b"False")
    assert SessionStore(before).ended
    assert browser.session.session_key not in {None, before}
    assert visit(browser, place, is_signed_in).content == b"False"


@pytest.mark.parametrize("place", ["free", *BOUND])
def test_rotated_secret_key_signs_nobody_out(strict, site, browser, place):
    before, former = browser.session.session_key, site.SECRET_KEY
    hash_before = stored(before)[HASH_SESSION_KEY]
    site.SECRET_KEY, site.SECRET_KEY_FALLBACKS = "another" * 10, [former]
    response = visit(browser, place, is_signed_in)
    assert (response.status_code, response.content) == (200, b"True")
    if place in READONLY:  # nothing was written; the next page that may write takes the new id
        assert browser.session.session_key == before
        assert stored(before)[HASH_SESSION_KEY] == hash_before
        assert visit(browser, "free", is_signed_in).content == b"True"
    after = browser.session.session_key
    assert after != before
    assert stored(after)[HASH_SESSION_KEY] != hash_before
    site.SECRET_KEY_FALLBACKS = []
    assert visit(browser, place, is_signed_in).content == b"True"


@pytest.mark.parametrize("change", ["password", "secret key"])
def test_async_view_asks_who_is_signed_in(strict, site, user, change):
    async def visit_async():
        client = AsyncClient()
        await client.aforce_login(user)
        before = (await client.asession()).session_key
        if change == "password":
            await get_user_model().objects.filter(pk=user.pk).aupdate(password="another")
        else:
            site.SECRET_KEY, site.SECRET_KEY_FALLBACKS = "another" * 10, [site.SECRET_KEY]
        response = await client.get("/readonly-auser")
        return response, before, (await client.asession()).session_key

    response, before, after = async_to_sync(visit_async)()
    assert response.status_code == 200
    assert (response.content, after == before) == ((b"True", True) if change == "secret key" else (b"False", False))
    assert SessionStore(before).ended is (change == "password")


@pytest.mark.parametrize("place", READONLY)
def test_middleware_that_asks_who_is_signed_in_is_answered(strict, site, browser, place):
    """LoginRequiredMiddleware asks when the view is known, and before it runs."""
    site.MIDDLEWARE = [*flows_site.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    change_password()
    assert visit(browser, place, is_signed_in).status_code == 302


@pytest.mark.parametrize("place", BOUND)
def test_message_is_shown_once_and_kept_for_the_next_page(strict, browser, place):
    def shown(request):
        return [str(message) for message in messages.get_messages(request)]

    visit(browser, "free", lambda request: messages.info(request, "saved"))
    assert visit(browser, place, shown).content == b"['saved']"
    assert visit(browser, place, shown).content == b"[]"
    visit(browser, place, lambda request: messages.info(request, "noted"))
    assert visit(browser, "free", shown).content == b"['noted']"


@pytest.mark.parametrize("place", BOUND)
def test_form_of_a_page_can_be_sent(strict, site, browser, place):
    """With the CSRF secret in the session: it is kept, though the view that showed the form may only read."""
    site.CSRF_USE_SESSIONS = True
    token = visit(browser, place, get_token).content.decode()
    answer = visit(browser, "free", lambda _request: "sent", "post", csrfmiddlewaretoken=token)
    assert (answer.status_code, answer.content) == (200, b"sent")
    assert visit(browser, "free", lambda _request: "sent", "post", csrfmiddlewaretoken="x" * 32).status_code == 403


DROPPED = {
    "set": lambda request: request.session.__setitem__("x", 2),
    "nested": lambda request: request.session["list"].append(2),
    "clear": lambda request: request.session.clear(),
    "increment": lambda request: request.session.increment("n"),
}


@pytest.mark.parametrize("place", READONLY)
@pytest.mark.parametrize("write", DROPPED.values(), ids=DROPPED)
def test_change_of_the_view_is_dropped_beside_a_message(browser, place, write):
    """What middleware writes is saved, and what the view has changed in vain is not saved along."""
    visit(browser, "free", lambda request: request.session.update({"x": 1, "list": [1], "n": 1}))
    before = stored(browser.session.session_key)

    def view(request):
        messages.info(request, "noted")
        write(request)

    assert visit(browser, place, view).status_code == 200
    after = stored(browser.session.session_key)
    assert after.pop("_messages")
    assert after == before


@pytest.mark.parametrize("place", READONLY)
def test_view_cannot_keep_a_person_signed_in_who_has_a_new_password(strict, browser, user, place):
    """``update_session_auth_hash`` is the view's own: a page that believes it was done would sign the person out."""

    def view(request):
        assert request.user.is_authenticated
        update_session_auth_hash(request, user)

    with pytest.raises(ReadOnlySessionError):
        visit(browser, place, view)


def test_view_without_session_has_no_messages_in_it(browser):
    with pytest.raises(SessionOffError):
        visit(browser, "off", lambda request: messages.info(request, "saved"))


@pytest.mark.parametrize("place", READONLY)
def test_template_is_part_of_the_view(site, browser, place):
    site.SESSIONS_FARM = site.SESSIONS_FARM | {"READONLY_RAISES": True}
    visit(browser, "free", lambda request: request.session.update({"list": [1]}))
    with pytest.raises(ReadOnlySessionError, match="list"):
        visit(browser, place, DROPPED["nested"])
