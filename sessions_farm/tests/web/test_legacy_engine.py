"""Sessions of Django's own engines go on in ours when their visitor comes back: all of them, once, signed in or not."""

from __future__ import annotations

import datetime
import sys
import time
from ast import literal_eval
from types import ModuleType, SimpleNamespace

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, login, logout
from django.contrib.sessions.backends import signed_cookies
from django.db import connection
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from sessions_farm.checks import check_settings
from sessions_farm.checks.django_settings import LEGACY_ENGINE, SESSION_MIDDLEWARE
from sessions_farm.models import Session, Tombstone
from sessions_farm.session.ids import Proof
from sessions_farm.session.session import SessionStore
from sessions_farm.session.variables import SIGNED_IN
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.testing.stock_clients import wire_client
from sessions_farm.tests.support import session_site, stock_engines, two_hosts
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stores_fixtures import in_threads
from sessions_farm.tests.support.two_hosts import MASTER, STORE
from sessions_farm.web import cookies, legacy_engine

BACKEND = "django.contrib.auth.backends.ModelBackend"
ENGINES = stock_engines.STOCK | {"signed_cookies": signed_cookies.SessionStore}
FORGETS = [name for name in ENGINES if name != "signed_cookies"]  # what is in a cookie cannot be deleted here
MINUTE = 60
SHARED = SimpleNamespace(before_answer=[])  # what happens elsewhere while the old engine reads


class Interrupted(stock_engines.DatabaseEngine):
    """Reads, and answers after somebody else's requests."""

    def load(self):
        found = super().load()
        while SHARED.before_answer:
            SHARED.before_answer.pop()()
        return found


class DeadStore:
    def __getattr__(self, name):
        def fail(*args):
            raise StoreUnavailableError("It is away.")
            yield

        return fail


@pytest.fixture(scope="module")
def _old_table(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(stock_engines.StockSession)
        yield
        with connection.schema_editor() as editor:
            editor.delete_model(stock_engines.StockSession)


def with_legacy_engine():
    listed = list(session_site.MIDDLEWARE)
    listed.insert(listed.index(SESSION_MIDDLEWARE), LEGACY_ENGINE)
    return listed


@pytest.fixture
def farm(_old_table, db, settings, tmp_path, monkeypatch):
    """The farm, that any of the old engines can be put behind."""
    settings.MIDDLEWARE = with_legacy_engine()
    settings.ROOT_URLCONF = "sessions_farm.tests.support.session_site"
    two_hosts.serve(settings)
    settings.SESSION_COOKIE_SECURE = False
    settings.AUTHENTICATION_BACKENDS = [BACKEND]
    settings.SESSIONS_FARM = {"STORE": "database"}
    for name, value in stock_engines.settings_of(tmp_path, prefix=tmp_path.name).items():
        setattr(settings, name, value)
    stock_engines.forget_folder()
    for name, engine in (ENGINES | {"interrupted": Interrupted}).items():
        module = ModuleType(f"old_{name}")
        module.SessionStore = engine
        monkeypatch.setitem(sys.modules, module.__name__, module)
    yield lambda name, **more: setattr(
        settings, "SESSIONS_FARM", settings.SESSIONS_FARM | {"LEGACY_ENGINE": f"old_{name}"} | more
    )
    session_site.TO_DO.clear()
    SHARED.before_answer.clear()
    stock_engines.forget_folder()


@pytest.fixture(params=ENGINES)
def engine(request, farm):
    farm(request.param)
    return ENGINES[request.param]


@pytest.fixture
def database_engine(farm):
    farm("db")
    return ENGINES["db"]


def old_session(engine, user=None, **variables):
    """The key of a session that the old engine keeps."""
    session = engine()
    if user is not None:
        variables |= {SESSION_KEY: str(user.pk), BACKEND_SESSION_KEY: BACKEND}
        variables |= {HASH_SESSION_KEY: user.get_session_auth_hash()}
    session.update(variables)
    session.save()
    return session.session_key


def visit(client, do=None, host=MASTER.host, method="get"):
    session_site.TO_DO[:] = [do] if do else []
    return getattr(client, method)("/", headers={"host": host})


def elsewhere(client, do, method="get"):
    """A visit while another request is under way, which goes on with what it was to do."""

    def go():
        before = list(session_site.TO_DO)
        assert visit(client, do, method=method).status_code == 200
        session_site.TO_DO[:] = before

    return go


def browser_with(old_key, name="sessionid"):
    client = wire_client(Client)()
    client.cookies[name] = old_key
    return client


def lived(client):
    """The id that the browser's cookie of ours proves, and what is stored under it."""
    proof = cookies.prove(MASTER, client.cookies["mall"].value)
    return proof.id, dict(SessionStore(proof=proof).items())


def shown(request):
    return {name: value for name, value in request.session.items() if not name.startswith("_")}


def add(name):
    return lambda request: request.session.__setitem__(name, 1)


def who(request):
    return [request.user.pk, bool(request.session.get(SIGNED_IN))]


# One visitor comes back


def test_old_session_goes_on_in_ours(engine):
    browser = browser_with(old_session(engine, cart=[1, 2], name="Anna"))
    assert literal_eval(visit(browser, shown).content.decode()) == {"cart": [1, 2], "name": "Anna"}
    assert literal_eval(visit(browser, shown).content.decode()) == {"cart": [1, 2], "name": "Anna"}
    assert lived(browser)[1].items() >= {"cart": [1, 2], "name": "Anna"}.items()


def test_answer_brings_our_cookie_and_takes_the_old_one(engine):
    response = visit(browser_with(old_session(engine, cart=[1])))  # by a page that does nothing with the session
    assert response.cookies["sessionid"]["max-age"] == 0
    assert response.cookies["mall"].value.count(".") == 2
    assert response["Vary"] == "Cookie"


@pytest.mark.parametrize("name", FORGETS)
def test_old_session_is_gone_from_its_engine(farm, name):
    farm(name)
    key = old_session(ENGINES[name], cart=[1])
    visit(browser_with(key))
    assert ENGINES[name](key).load() == {}
    assert not ENGINES[name]().exists(key)


@pytest.mark.parametrize("name", ENGINES)
def test_control_without_the_setting_the_old_cookie_gives_nothing(farm, settings, name):
    key = old_session(ENGINES[name], make_user(), cart=[1])
    response = visit(browser_with(key), lambda request: [shown(request), request.user.pk])
    assert (response.content, dict(response.cookies)) == (b"[{}, None]", {})
    assert (Session.objects.count(), ENGINES[name](key).load()["cart"]) == (0, [1])


def test_nobody_is_signed_out(engine):
    user = make_user(is_staff=True)
    browser = browser_with(old_session(engine, user, cart=[1]))
    assert visit(browser, who).content.decode() == f"[{user.pk}, True]"
    assert visit(browser, lambda request: [who(request), shown(request)]).content.decode() == (
        f"[[{user.pk}, True], {{'cart': [1]}}]"
    )
    _, variables = lived(browser)
    assert variables["_farm_staff"] is True  # and so two idle hours, as any session of staff
    assert Session.objects.get().idle_ms == 2 * 3600 * 1000


def test_password_that_was_changed_since_signs_out_as_it_would_have(engine):
    user = make_user()
    browser = browser_with(old_session(engine, user, cart=[1]))
    user.set_password("another")
    user.save()
    assert visit(browser, lambda request: [who(request), shown(request)]).content == b"[[None, False], {}]"
    assert visit(browser, who).content == b"[None, False]"


def test_form_of_an_old_session_counts(engine):
    browser = browser_with(old_session(engine, cart=[1]))
    visit(browser, lambda request: request.session["cart"].append(2), method="post")
    assert lived(browser)[1]["cart"] == [1, 2]


def test_our_cookie_comes_first(database_engine):
    browser = wire_client(Client)()
    visit(browser, add("ours"))
    browser.cookies["sessionid"] = key = old_session(database_engine, cart=[1])
    assert visit(browser, shown).content == b"{'ours': 1}"
    assert database_engine(key).load() == {"cart": [1]}


@pytest.mark.parametrize("name", ["old", "mall"])
def test_old_cookie_may_have_any_name(farm, name):
    """Also that of ours: the two are told apart by their shape."""
    farm("db", LEGACY_COOKIE=name)
    browser = browser_with(old_session(ENGINES["db"], cart=[1]), name)
    for _ in range(2):
        assert visit(browser, shown).content == b"{'cart': [1]}"
    assert ("old" in browser.cookies and browser.cookies["old"].value, lived(browser)[1]["cart"]) == (
        "" if name == "old" else False,
        [1],
    )


@pytest.mark.parametrize(
    "key", ["x" * 32, "short", "", "ab\0cdefghijk", "v1.x", "a b c d e f g h", "é" * 20, "x" * 9000]
)
def test_unknown_key_makes_nothing(engine, key):
    response = visit(browser_with(key), shown)
    assert (response.content, dict(response.cookies)) == (b"{}", {})
    assert (Session.objects.count(), Tombstone.objects.count()) == (0, 0)


def test_values_that_are_no_json_stay_behind(farm, caplog):
    """Stock caches keep pickles."""
    name = "cache" if "cache" in ENGINES else "file"
    farm(name)
    odd = {"at": datetime.date(2026, 1, 2), "kept": 1, "n" * 201: 1} if name == "cache" else {"n" * 201: 1, "kept": 1}
    assert visit(browser_with(old_session(ENGINES[name], **odd)), shown).content == b"{'kept': 1}"
    assert "stays behind" in caplog.text


def test_session_beyond_the_limit_stays_where_it_is(farm, caplog):
    farm("db", SESSION_LIMIT=100_000)
    key = old_session(ENGINES["db"], **{f"part{number}": "x" * 60_000 for number in range(2)})
    response = visit(browser_with(key), shown)
    assert (response.content, dict(response.cookies)) == (b"{}", {})
    assert "SESSION_LIMIT" in caplog.text
    assert ENGINES["db"]().exists(key)


# How long it lives


@pytest.mark.parametrize("expiry", [3600, "moment", 0, None])
def test_lifetime_that_was_set_comes_along(database_engine, expiry):
    now = time.time()
    session = database_engine()
    session["cart"] = [1]
    session.set_expiry(timezone.now() + datetime.timedelta(hours=3) if expiry == "moment" else expiry)
    session.save()
    response = visit(browser_with(session.session_key))
    found = Session.objects.get()
    seconds = {3600: 3600, "moment": 3 * 3600}.get(expiry, 20 * MINUTE)
    assert abs(found.expires_ms / 1000 - now - seconds) < 30
    assert bool(response.cookies["mall"]["max-age"]) is (expiry != 0)


def test_old_session_that_has_expired_is_none(database_engine):
    key = old_session(database_engine, cart=[1])
    with time_machine.travel(time.time() + 15 * 24 * 3600):
        response = visit(browser_with(key), shown)
    assert (response.content, dict(response.cookies)) == (b"{}", {})


# Several requests, one session


def test_answer_that_got_lost_costs_nothing(engine):
    key = old_session(engine, cart=[1])
    visit(browser_with(key), add("first"))
    browser = browser_with(key)
    assert literal_eval(visit(browser, shown).content.decode()) == {"cart": [1], "first": 1}
    assert Session.objects.count() == 1


def test_request_that_fails_leaves_the_old_cookie_and_the_session(database_engine):
    browser = browser_with(old_session(database_engine, cart=[1]))
    assert dict(visit(browser, lambda request: HttpResponse(status=500)).cookies) == {}
    assert visit(browser, shown).content == b"{'cart': [1]}"


def test_two_that_read_the_old_session_at_once_have_one(farm):
    farm("interrupted")
    user = make_user()
    key = old_session(Interrupted, user, cart=[1])
    first, second = browser_with(key), browser_with(key)
    SHARED.before_answer.append(elsewhere(second, add("second")))
    visit(first, add("first"))
    assert lived(first) == lived(second)
    assert lived(first)[1].items() >= {"cart": [1], "first": 1, "second": 1}.items()
    assert Session.objects.count() == 1
    assert visit(second, who).content.decode() == f"[{user.pk}, True]"


def test_one_that_comes_while_the_other_is_under_way_has_the_same(database_engine):
    key = old_session(database_engine, cart=[1])
    first, second = browser_with(key), browser_with(key)

    def meanwhile(request):
        request.session["first"] = 1
        elsewhere(second, add("second"))()

    visit(first, meanwhile)
    assert lived(first) == lived(second)
    assert lived(first)[1].items() >= {"cart": [1], "first": 1, "second": 1}.items()


def test_one_that_comes_after_the_other_signed_out_has_nothing(database_engine):
    """The harmless state: no session, and no cookie that would replace the newer one."""
    user = make_user()
    key = old_session(database_engine, user, cart=[1])
    visit(browser_with(key), logout, method="post")
    late = visit(browser_with(key), lambda request: [who(request), shown(request)])
    assert (late.content, dict(late.cookies)) == (b"[[None, False], {}]", {})


def test_one_that_reads_while_the_other_signs_in_is_served_and_changes_nothing(farm):
    farm("interrupted")
    user = make_user()
    key = old_session(Interrupted, cart=[1])
    first, second = browser_with(key), browser_with(key)
    SHARED.before_answer.append(elsewhere(second, lambda request: login(request, user, BACKEND), "post"))
    served = visit(first, lambda request: [who(request), shown(request)])
    assert (served.status_code, served.content) == (200, b"[[None, False], {'cart': [1]}]")
    assert "mall" not in first.cookies
    assert visit(second, who).content.decode() == f"[{user.pk}, True]"
    assert visit(first, who).content == b"[None, False]"


def test_node_that_dies_between_the_two_engines_loses_and_doubles_nothing(database_engine, monkeypatch):
    key = old_session(database_engine, cart=[1])
    with monkeypatch.context() as patch:
        patch.setattr(database_engine, "delete", lambda *args: sys.exit("killed"))
        with pytest.raises(SystemExit):
            visit(browser_with(key))
    assert database_engine(key).load() == {"cart": [1]}
    browser = browser_with(key)
    assert visit(browser, shown).content == b"{'cart': [1]}"
    assert (Session.objects.count(), database_engine(key).load()) == (1, {})


def test_store_that_is_away_signs_nobody_out(database_engine, monkeypatch):
    user = make_user()
    browser = browser_with(old_session(database_engine, user, cart=[1]))
    with monkeypatch.context() as patch:
        patch.setattr("sessions_farm.session.session.current_store", DeadStore)
        response = visit(browser, shown)
        assert (response.status_code, dict(response.cookies)) == (503, {})
    assert visit(browser, who).content.decode() == f"[{user.pk}, True]"


@pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])
def test_threads_with_one_old_cookie_have_one_session(farm):
    farm("db")
    key = old_session(ENGINES["db"], cart=[1])
    browsers = [browser_with(key) for _ in range(6)]

    def go(number):
        return lambda: browsers[number].get(f"/?n={number}", headers={"host": MASTER.host})

    session_site.TO_DO[:] = [lambda request: request.session.__setitem__("n" + request.GET["n"], 1)]
    in_threads([go(number) for number in range(6)])
    assert len({lived(browser)[0] for browser in browsers}) == 1
    assert lived(browsers[0])[1].items() >= ({"cart": [1]} | {f"n{number}": 1 for number in range(6)}).items()


# When the old cookie is worth nothing any more


@pytest.mark.parametrize("name", ENGINES)
def test_old_key_leads_nowhere_once_the_browser_has_our_cookie(farm, name):
    farm(name)
    browser = browser_with(key := old_session(ENGINES[name], cart=[1]))
    visit(browser)
    visit(browser, shown)
    assert visit(browser_with(key), shown).content == b"{'cart': [1]}"  # a request that may still be under way
    with time_machine.travel(time.time() + legacy_engine.WINDOW + 1):
        visit(browser, shown)
        stolen = visit(browser_with(key), shown)
        assert (stolen.content, dict(stolen.cookies)) == (b"{}", {})
        assert visit(browser, shown).content == b"{'cart': [1]}"
    assert legacy_engine.MOVED not in lived(browser)[1]


@pytest.mark.parametrize("name", ENGINES)
def test_old_key_leads_nowhere_after_a_logout(farm, name):
    """Also that of signed_cookies, which no server can take back."""
    farm(name)
    user = make_user()
    browser = browser_with(key := old_session(ENGINES[name], user))
    visit(browser, logout, method="post")
    stolen = visit(browser_with(key), who)
    assert (stolen.content, dict(stolen.cookies)) == (b"[None, False]", {})


def test_new_secret_key_finds_what_was_moved(database_engine, settings):
    key = old_session(database_engine, cart=[1])
    visit(browser_with(key))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the-next-one" * 5
    assert visit(browser_with(key), shown).content == b"{'cart': [1]}"
    assert Session.objects.count() == 1


def test_stores_hold_nothing_that_opens_the_session(database_engine):
    key = old_session(database_engine, cart=[1])
    browser = browser_with(key)
    visit(browser)
    held = str(list(Session.objects.values()))
    assert key not in held
    assert lived(browser)[0] not in held
    assert key not in lived(browser)[0]


# Hosts


def test_vendors_host_reads_nothing_and_leaves_it_to_the_master(database_engine):
    user = make_user()
    key = old_session(database_engine, user, cart=[1])
    response = visit(browser_with(key), lambda request: [who(request), shown(request)], host=STORE.host)
    assert (response.content, dict(response.cookies)) == (b"[[None, False], {}]", {})
    assert database_engine(key).load()["cart"] == [1]
    assert visit(browser_with(key), who).content.decode() == f"[{user.pk}, True]"


def test_guarded_variables_stay_the_masters(database_engine):
    user = make_user()
    browser = browser_with(old_session(database_engine, user, cart=[1]))
    visit(browser)
    session = SessionStore(proof=Proof(lived(browser)[0], int(time.time())), audience=STORE)
    assert (session.get("cart"), session.get(SESSION_KEY), session.get("_farm_signed_in")) == ([1], None, True)


def test_site_by_itself_serves_every_host(database_engine, settings):
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]  # without TwoHostsMiddleware
    settings.ALLOWED_HOSTS = ["*"]
    browser = browser_with(old_session(database_engine, cart=[1]))
    for _ in range(2):
        assert visit(browser, shown, host="anything.test").content == b"{'cart': [1]}"


def test_event_loop_moves_them_too(database_engine):
    key = old_session(database_engine, cart=[1])
    client = wire_client(AsyncClient)()
    client.cookies["sessionid"] = key
    session_site.TO_DO[:] = [shown]

    async def get():
        return await client.get("/")

    for _ in range(2):
        assert async_to_sync(get)().content == b"{'cart': [1]}"
    assert "mall" in client.cookies


# What is wrong in the settings


@pytest.mark.parametrize(
    ("given", "fault", "hint"),
    [
        ({"LEGACY_ENGINE": "no.such.engine"}, "E020", "django.contrib.sessions.backends.db"),
        ({"LEGACY_ENGINE": "datetime"}, "E020", "django.contrib.sessions.backends.db"),
        ({"LEGACY_ENGINE": "sessions_farm.engine"}, "E021", "the former engine"),
        ({"LEGACY_ENGINE": "django.contrib.sessions.backends.db"}, "E022", '"django.contrib.sessions"'),
        ({"LEGACY_ENGINE": "django.contrib.sessions.backends.cached_db"}, "E022", '"django.contrib.sessions"'),
        ({"LEGACY_COOKIE": "old"}, "W020", "LEGACY_ENGINE"),
    ],
)
def test_wrong_settings_are_told(settings, given, fault, hint):
    settings.SESSIONS_FARM = {"STORE": "database"} | given
    settings.MIDDLEWARE = with_legacy_engine()
    (message,) = check_settings()
    assert message.id == f"sessions_farm.{fault}"
    assert hint in message.hint


def test_engine_that_no_middleware_asks_is_told(settings):
    settings.SESSIONS_FARM = {"STORE": "database", "LEGACY_ENGINE": "django.contrib.sessions.backends.cache"}
    settings.MIDDLEWARE = list(session_site.MIDDLEWARE)
    (missing,) = check_settings()
    settings.MIDDLEWARE = [*session_site.MIDDLEWARE, LEGACY_ENGINE]
    (late,) = check_settings()
    assert (missing.id, late.id) == ("sessions_farm.E023", "sessions_farm.E005")


@pytest.mark.parametrize("engine", ["cache", "file", "signed_cookies"])
def test_right_settings_say_nothing(settings, engine):
    settings.SESSIONS_FARM = {"STORE": "database", "LEGACY_ENGINE": f"django.contrib.sessions.backends.{engine}"}
    settings.MIDDLEWARE = with_legacy_engine()
    settings.SESSION_SERIALIZER = "x.PickleSerializer"  # read by the old engine, so it is not useless
    assert check_settings() == []
