"""What ``request.mall`` says beside the request's session: the id, the visitor, and facts that each host may know."""

from __future__ import annotations

import pytest
from django.contrib.auth import login
from django.test import Client
from django.test import Client as StockClient

from sessions_farm.communities.models import Visitor, VisitorKey
from sessions_farm.communities.registry import registry
from sessions_farm.communities.tests.support.fixtures import HOST_MIDDLEWARE
from sessions_farm.models import Session, Tombstone, Variable
from sessions_farm.session import ids
from sessions_farm.session.session import SessionStore
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.tests.support import modes_site, session_site
from sessions_farm.tests.support.people import make_user
from sessions_farm.web import cookies
from sessions_farm.web.decorators import SessionOffError

MASTER, STORE = "mall.test", "a.test"
VARIABLES = {"checkout_*": {"guarded": True}}


@pytest.fixture(autouse=True)
def site(db, two_communities, settings):
    settings.MIDDLEWARE = [HOST_MIDDLEWARE, *session_site.MIDDLEWARE]
    settings.ROOT_URLCONF = "sessions_farm.tests.support.session_site"
    settings.SESSION_COOKIE_SECURE = False
    settings.SESSIONS_FARM = {"STORE": "database", "VARIABLES": VARIABLES}
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    yield
    session_site.TO_DO.clear()
    modes_site.TO_DO.clear()


@pytest.fixture
def user():
    return make_user()


def visit(client, do=None, host=MASTER, method="get", path="/"):
    session_site.TO_DO[:] = modes_site.TO_DO[:] = [do] if do else []
    return getattr(client, method)(path, headers={"host": host})


def raw_visit(do=None, host=MASTER, method="get", session_id=None, signed_for=None):
    """A visit with exactly this cookie."""
    client = StockClient()
    if session_id:
        client.cookies["mall"] = cookies.seal(registry.resolve(signed_for or host), session_id)
    return visit(client, do, host, method)


def new_session(**variables):
    session = SessionStore()
    session.update(variables)
    session.save()
    return session.session_key


def set_x(request):
    request.session["x"] = 1


def get_x(request):
    return request.session.get("x")


def log_in(user, session_id):
    """The id after a login that began with ``session_id``."""
    response = raw_visit(lambda request: login(request, user), session_id=session_id, method="post")
    return cookies.prove(registry.resolve(MASTER), response.cookies["mall"].value).id


def test_asking_for_the_id_is_no_access():
    """The hand-off asks on every page; a page that shows nothing of the session stays cacheable."""
    response = raw_visit(lambda request: request.mall.id and "known", session_id=new_session(x=1))
    assert (response.content, response.get("Vary")) == (b"known", None)


@pytest.mark.parametrize("host", [STORE, "c.test", "x.shops.test"])
def test_cookie_of_another_host_is_refused(host):
    session_id = new_session(x=5)
    assert raw_visit(get_x, MASTER, session_id=session_id).content == b"5"
    assert raw_visit(get_x, host, session_id=session_id, signed_for=MASTER).content == b"None"
    assert raw_visit(get_x, STORE, session_id=session_id).content == b"5"  # the same id, signed for the host


def test_nothing_is_stored_for_a_visitor_who_writes_nothing():
    response = raw_visit(lambda request: request.session.claim_key() and request.mall.visitor)
    assert "mall" in response.cookies
    raw_visit(get_x, session_id=ids.new_id())
    assert [model.objects.count() for model in (Session, Variable, Tombstone, Visitor, VisitorKey)] == [0] * 5


def test_dead_store_leaves_the_id(monkeypatch):
    class DeadStore:
        def __getattr__(self, name):
            def fail(*args):
                raise StoreUnavailableError("It is away.")

            return fail

    monkeypatch.setattr("sessions_farm.session.session.current_store", DeadStore)
    session_id = ids.new_id()
    response = raw_visit(lambda request: request.mall.id, session_id=session_id)
    assert (response.content.decode(), dict(response.cookies)) == (session_id, {})


def test_fixed_id_has_neither_id_nor_visitor_after_the_victims_login(user):
    planted = new_session(x=1)
    log_in(user, planted)
    for _ in range(2):
        seen = raw_visit(
            lambda request: [str(request.user), request.mall.signed_in, request.mall.visitor, request.mall.id],
            session_id=planted,
        )
        assert seen.content == b"['AnonymousUser', False, None, None]"
        Tombstone.objects.update(grace_until_ms=0)


def test_signed_in_is_known_everywhere_and_the_person_on_the_master(user):
    session_id = log_in(user, new_session(x=1))

    def look(request):
        return [request.user.is_authenticated, request.mall.signed_in]

    assert raw_visit(look, session_id=session_id).content == b"[True, True]"
    assert raw_visit(look, STORE, session_id=session_id).content == b"[False, True]"


def test_staff_of_is_known_everywhere(user, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {"REGISTRY_POLL_SECONDS": 0, "STAFF_OF": f"{__name__}.vendors_of"}
    client = Client()
    client.force_login(user)
    for host in (MASTER, STORE):
        seen = visit(client, lambda request: sorted(request.mall.staff_of), host)
        assert seen.content == b"[3, 7]"


def vendors_of(user):
    return [7, 3]


def test_no_id_stands_in_the_tables_of_visitors(user):
    client = Client()
    visit(client, lambda request: (set_x(request), request.mall.ensure_visitor()), method="post")
    client.force_login(user)
    visit(client, set_x)
    session_id = client.cookies["sessionid"].value
    for model in (Session, Variable, Tombstone, Visitor, VisitorKey):
        assert not any(session_id in str(row) for row in model.objects.values_list())
    assert VisitorKey.objects.filter(key_hash=ids.digest(session_id)).exists()


@pytest.fixture
def modes(settings):
    settings.ROOT_URLCONF = "sessions_farm.tests.support.modes_site"


@pytest.mark.parametrize(
    "use",
    [
        lambda request: request.mall.id,
        lambda request: request.mall.visitor,
        lambda request: request.mall.signed_in,
    ],
)
def test_view_without_session_has_no_visitor(modes, use):
    client = StockClient()
    client.cookies["mall"] = cookies.seal(registry.resolve(MASTER), new_session(x=1))
    with pytest.raises(SessionOffError, match=r"@session_off"):
        visit(client, use, path="/off")


def test_view_without_session_still_knows_its_host(modes):
    seen = visit(StockClient(), lambda request: [request.mall.member.host, request.mall.is_master], path="/off")
    assert seen.content == b"['mall.test', True]"


def test_readonly_view_knows_whether_somebody_is_signed_in(modes):
    seen = visit(StockClient(), lambda request: [request.mall.signed_in, request.mall.visitor], path="/readonly")
    assert seen.content == b"[False, None]"
