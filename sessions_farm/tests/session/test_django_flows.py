"""What Django builds on sessions, in every store and for sync and async views: login, messages, CSRF, the commands.

The browsers are Django's own clients: they keep the farm's cookie as it comes, and send it back.
"""

from __future__ import annotations

import asyncio
import itertools

import pytest
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.middleware.csrf import get_token
from django.test import Client

from sessions_farm.models import Session
from sessions_farm.session.session import SessionStore
from sessions_farm.tests.support import flows_site
from sessions_farm.tests.support.both_ways import COMMITTED, SERVED, Farm, Told, farm_settings, in_both_ways
from sessions_farm.tests.support.flows_site import Browser
from sessions_farm.tests.support.people import make_user

FARMS = [
    pytest.param(pair, id="-".join(pair), marks=pytest.mark.django_db(transaction=pair in COMMITTED))
    for pair in itertools.product(SERVED, ("sync", "async"))
]
STORES = [pytest.param(name, marks=pytest.mark.django_db(transaction=name == "tiered")) for name in SERVED]


@pytest.fixture
def site(settings, tmp_path):
    settings.MIDDLEWARE = flows_site.MIDDLEWARE
    settings.ROOT_URLCONF = flows_site.__name__
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.CSRF_USE_SESSIONS = True
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    yield lambda name: setattr(settings, "SESSIONS_FARM", farm_settings(name, tmp_path))
    flows_site.TO_DO.clear()


@pytest.fixture(params=FARMS)
def farm(request, site):
    name, way = request.param
    site(name)
    return Farm(way)


@pytest.fixture(params=STORES)
def store(request, site):
    site(request.param)
    return request.param


@pytest.fixture
def anna(farm):
    return make_user()


@pytest.fixture
def ben(farm):
    return make_user("ben@example.org")


def put(**variables):
    async def do(page):
        await page.session.update(variables)

    return do


def login(user):
    return lambda page: page.login(user)


async def look(page):
    """The user, and the view's own variables."""
    items = dict(await page.session.items())
    return [await page.user(), {name: value for name, value in items.items() if not name.startswith("_")}]


async def key(page):
    return page.session.key


async def logout(page):
    await page.auth("logout")


@in_both_ways
async def test_login_takes_along_what_the_visitor_gathered(farm, anna):
    browser = Browser(farm)
    await browser.visit(put(cart=[1]))
    before, thief = await browser.visit(key), browser.copy(farm)
    await browser.visit(login(anna))
    assert await browser.visit(look) == [anna.pk, {"cart": [1]}]
    assert await browser.visit(key) != before
    assert not await farm().exists(before)
    assert (await thief.visit(look))[0] is None


@in_both_ways
async def test_second_login_of_the_same_person_keeps_and_of_another_drops(farm, anna, ben):
    browser = Browser(farm)
    await browser.visit(login(anna))
    await browser.visit(put(order=7))
    await browser.visit(login(anna))
    assert await browser.visit(look) == [anna.pk, {"order": 7}]
    before = await browser.visit(key)
    await browser.visit(login(ben))
    assert await browser.visit(look) == [ben.pk, {}]
    assert not await farm().exists(before)


@in_both_ways
async def test_login_of_somebody_whose_password_changed_drops_too(farm, anna):
    """Whoever knew the old one may have begun this session."""
    browser = Browser(farm)
    await browser.visit(login(anna))
    await browser.visit(put(order=7))
    anna.set_password("another")
    await Told(anna, farm.way).save()
    await browser.visit(login(anna))
    assert await browser.visit(look) == [anna.pk, {}]


@in_both_ways
async def test_logout_leaves_nothing_to_the_next_person(farm, anna):
    browser = Browser(farm)
    await browser.visit(login(anna))
    await browser.visit(put(order=7))
    before, thief = await browser.visit(key), browser.copy(farm)
    await browser.visit(logout)
    assert await browser.visit(look) == [None, {}]
    assert await thief.visit(look) == [None, {}]
    assert not await farm().exists(before)
    await browser.visit(put(cart=[2]))
    assert await browser.visit(look) == [None, {"cart": [2]}]
    assert await browser.visit(key) != before


@in_both_ways
async def test_password_change_keeps_this_session_and_ends_the_others(farm, anna):
    here, elsewhere = Browser(farm), Browser(farm)
    for browser in (here, elsewhere):
        await browser.visit(login(anna))
        await browser.visit(put(order=7))
    before, there = await here.visit(key), await elsewhere.visit(key)
    await here.visit(lambda page: page.new_password(anna))
    assert await here.visit(look) == [anna.pk, {"order": 7}]
    assert await here.visit(key) != before
    assert (await elsewhere.visit(look))[0] is None
    assert await elsewhere.visit(look) == [None, {}]
    assert not await farm().exists(there)


@in_both_ways
async def test_control_other_sessions_stay_while_no_password_changes(farm, anna):
    here, elsewhere = Browser(farm), Browser(farm)
    for browser in (here, elsewhere):
        await browser.visit(login(anna))
    await here.visit(logout)
    assert await elsewhere.visit(look) == [anna.pk, {}]


@in_both_ways
async def test_new_secret_key_signs_nobody_out(farm, anna, settings):
    browser = Browser(farm)
    await browser.visit(login(anna))
    await browser.visit(put(order=7))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the-next-one" * 5
    assert await browser.visit(look) == [anna.pk, {"order": 7}]
    settings.SECRET_KEY_FALLBACKS = []  # Django has hashed the password anew, under another id
    assert await browser.visit(look) == [anna.pk, {"order": 7}]


@in_both_ways
async def test_messages_are_shown_once(farm):
    async def say(page):
        messages.warning(page.request, "Käse <b>aus</b>", extra_tags="stock")
        messages.success(page.request, "Brot")

    async def hear(page):
        await page.session.load()
        return [[found.level_tag, found.tags, found.message] for found in messages.get_messages(page.request)]

    browser = Browser(farm)
    assert (await browser.send(say, "post")).status_code == 200
    assert await browser.visit(hear) == [
        ["warning", "stock warning", "Käse <b>aus</b>"],
        ["success", "success", "Brot"],
    ]
    assert await browser.visit(hear) == []


@in_both_ways
async def test_csrf_token_lives_in_the_session_and_changes_at_login(farm, anna):
    async def token(page):
        return get_token(page.request)

    async def status(browser, given):
        return (await browser.send(look, "post", {"csrfmiddlewaretoken": given})).status_code

    browser, other = Browser(farm, strict=True), Browser(farm, strict=True)
    mine, theirs = await browser.visit(token), await other.visit(token)
    assert set(browser.client.cookies) == {"sessionid"}  # as Django's client keeps it
    assert [await status(browser, given) for given in (mine, theirs, "", mine)] == [200, 403, 403, 200]
    await browser.visit(login(anna))
    assert await status(browser, mine) == 403
    assert await status(browser, await browser.visit(token)) == 200


@in_both_ways
async def test_late_write_is_an_error_only_where_the_request_was_to_change_something(farm):
    async def write_late(page):
        await page.session.get("a")
        await farm(page.session.key).delete()  # as another request, a logout
        await page.session.set("a", 2)

    for method, status in [("get", 200), ("head", 200), ("options", 200), ("post", 400), ("put", 400), ("delete", 400)]:
        browser = Browser(farm)
        await browser.visit(put(a=1))
        before = await browser.visit(key)
        assert (await browser.send(write_late, method)).status_code == status, method
        assert (await farm().exists(before), await browser.visit(look)) == (False, [None, {}])


@in_both_ways
async def test_tasks_of_one_view_share_one_session(farm):
    async def work(page):
        steps = [page.session.set(f"n{number}", number) for number in range(5)]
        if farm.way == "async":
            await asyncio.gather(page.session.get("a"), *steps, page.session.has_key("a"))
        else:
            for step in steps:
                await step

    browser = Browser(farm)
    await browser.visit(put(a=1))
    await browser.visit(work)
    assert await browser.visit(look) == [None, {"a": 1} | {f"n{number}": number for number in range(5)}]


def test_clearsessions_removes_what_has_expired_and_nothing_else(store):
    live, over = SessionStore(), SessionStore()
    over.set_expiry(-10)
    for session in (live, over):
        session["a"] = 1
        session.save()
    call_command("clearsessions")
    assert SessionStore(live.session_key)["a"] == 1
    assert not SessionStore().exists(over.session_key)
    if store in {"database", "tiered"}:
        assert Session.objects.count() == 1


def visit(client, do):
    flows_site.TO_DO[:] = [do]
    return client.get("/sync").json()["seen"]


def test_client_of_the_farm_signs_in_and_out(store):
    user, client = make_user(), Client()
    name = getattr(user, get_user_model().USERNAME_FIELD)
    assert not client.login(username=name, password="wrong")
    assert visit(client, look) == [None, {}]
    for sign_in in (lambda: client.login(username=name, password="mall-demo"), lambda: client.force_login(user)):
        sign_in()
        assert visit(client, look) == [user.pk, {}]
        client.logout()
        assert visit(client, look) == [None, {}]


def test_client_of_the_farm_shows_the_session_that_the_views_have(store):
    client = Client()
    session = client.session
    session["by_test"] = 1
    session.save()
    assert visit(client, look) == [None, {"by_test": 1}]
    visit(client, put(by_view=2))
    assert dict(client.session.items()) == {"by_test": 1, "by_view": 2}


@pytest.mark.django_db(transaction=True)  # what an event loop writes is committed
def test_client_of_the_farm_has_djangos_async_methods(store):
    user, client = make_user(), Client()
    Farm("async").run(sign_in_and_out, client, user)


async def sign_in_and_out(client, user):
    name = getattr(user, get_user_model().USERNAME_FIELD)
    for sign_in in (
        lambda: client.alogin(username=name, password="mall-demo"),
        lambda: client.aforce_login(user),
    ):
        await sign_in()
        session = await client.asession()
        assert await session.aget("_auth_user_id") == str(user.pk)
        await client.alogout()
        assert await (await client.asession()).aget("_auth_user_id") is None
