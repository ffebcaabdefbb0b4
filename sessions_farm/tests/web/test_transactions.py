"""Inside the application's own transactions: a load holds nothing, and nobody signed in is shown as anonymous.

The matrix: engine (Django's own is the control), isolation level, ``ATOMIC_REQUESTS``, sessions in a second database.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection, connections, transaction
from django.template import Context, Engine
from django.test import AsyncClient
from django.test import Client as StockClient

from sessions_farm.clock import STORE_CLOCK
from sessions_farm.models import Session
from sessions_farm.session import ids
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.stores.base import State
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support import second_database, session_site
from sessions_farm.tests.support.named_stores import options_of
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stock_engines import StockSession
from sessions_farm.tests.support.stores_fixtures import REDIS_URL, in_threads

LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
IN_SQL = ["database", *(["tiered"] if REDIS_URL else [])]
OURS = [*IN_SQL, *(["redis"] if REDIS_URL else [])]
STOCK_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
OTHERS = 3  # pages of the same visitor, all at once
SOON = 2 * 86_400_000  # ms: the idle time of a signed-in person is 14 days, of which a tenth has gone then
PATIENCE = 20  # seconds

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", second_database.ALIAS]),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer and one isolation level."),
]


@pytest.fixture(scope="module", autouse=True)
def tables(django_db_setup, django_db_blocker):
    """The second database, and Django's own table of sessions in both."""
    with django_db_blocker.unblock(), second_database.made([StockSession]):
        with connection.schema_editor() as editor:
            editor.create_model(StockSession)
        yield
        with connection.schema_editor() as editor:
            editor.delete_model(StockSession)


class Site:
    """One page of a signed-in person; ``alias`` is the sessions' database."""

    def __init__(self, engine, settings, monkeypatch, *, alias, atomic, folder):
        self.engine, self.alias = engine, alias
        self.user = make_user()
        if engine == "django":
            settings.SESSION_ENGINE = "sessions_farm.tests.support.stock_engines"
            settings.MIDDLEWARE = STOCK_MIDDLEWARE
        else:
            settings.SESSIONS_FARM = options_of(engine, folder, TIER_POLL=3600)
            settings.MIDDLEWARE = session_site.MIDDLEWARE
        settings.ROOT_URLCONF = "sessions_farm.tests.support.session_site"
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
        settings.SESSION_COOKIE_SECURE = False
        self.cookies = self.signed_in()
        for used in {"default", alias}:
            monkeypatch.setitem(connections.settings[used], "ATOMIC_REQUESTS", atomic)
        self.now = int(time.time() * 1000) + SOON
        monkeypatch.setattr(STORE_CLOCK, "now_ms", lambda: self.now)

    def signed_in(self):
        client = StockClient()
        client.force_login(self.user)
        self.session_key = client.session.session_key
        return client.cookies

    def get(self, client_class=StockClient, **given):
        client = client_class(raise_request_exception=False)
        client.cookies = self.cookies
        return client.get("/", given)

    def answer(self, do):
        """Return what a page answers whose view does this."""
        session_site.TO_DO[:] = [do]
        response = self.get()
        return response.status_code, response.content.decode()

    @property
    def signed_in_answer(self):
        return 200, str(self.user.pk)

    @property
    def key(self):
        return ids.digest(self.session_key)

    def is_row_free(self):
        """Whether another connection gets the session's row at once; True where no row is."""
        if self.engine == "redis":
            return True
        model, key = (StockSession, self.session_key) if self.engine == "django" else (Session, self.key)
        column = model._meta.pk.column if self.engine == "django" else "key_hash"
        try:
            with transaction.atomic(using=self.alias), connections[self.alias].cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {model._meta.db_table} WHERE {column} = %s FOR UPDATE NOWAIT", [key])
                return cursor.fetchone() == (1,)
        except OperationalError:
            return False

    def seen(self):
        """When the session was touched last; to ask does not touch it."""
        (found,) = run_sync(current_store().get_many([self.key], self.now))
        return found.header.seen


@pytest.fixture
def site_of(settings, monkeypatch, tmp_path):
    with ExitStack() as stack:

        def make(engine, level=LEVELS[0], *, atomic=True, second=False):
            aliases = ["default"]
            if second:
                settings.DATABASE_ROUTERS = ["sessions_farm.tests.support.second_database.Router"]
                aliases.append(second_database.ALIAS)
            stack.enter_context(second_database.isolation(level, aliases))
            return Site(engine, settings, monkeypatch, alias=aliases[-1], atomic=atomic, folder=tmp_path)

        yield make
    session_site.TO_DO.clear()


class SlowPage:
    """A page that stays in its view until it is released."""

    def __init__(self, site, do):
        self.entered, self.released = threading.Event(), threading.Event()
        self.site, self.do = site, do

    def view(self, request):
        if "slow" not in request.GET:
            return self.do(request)
        answer = self.do(request)
        self.entered.set()
        assert self.released.wait(PATIENCE)
        return answer

    def __enter__(self):
        session_site.TO_DO[:] = [self.view]
        self._pool = ThreadPoolExecutor(1)
        self.answer = self._pool.submit(self._get)
        assert self.entered.wait(PATIENCE), self.answer.result()
        return self

    def __exit__(self, *_error):
        self.released.set()
        self._pool.shutdown()

    def _get(self):
        try:
            response = self.site.get(slow=1)
            return response.status_code, response.content.decode()
        finally:
            connections.close_all()


@pytest.mark.parametrize("second", [False, True], ids=["one-database", "two-databases"])
@pytest.mark.parametrize("atomic", [True, False], ids=["atomic", "autocommit"])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("engine", [*OURS, "django"])
def test_pages_of_a_visitor_are_free_of_each_other(site_of, engine, level, atomic, second):
    """While a page that has read the session stays in its view, others read and slide it, all at once."""
    site = site_of(engine, level, atomic=atomic, second=second)
    together = threading.Barrier(OTHERS)

    def view(request):
        if "slow" not in request.GET:
            with connections[site.alias].cursor() as cursor:
                cursor.execute("SELECT 1")  # the snapshot of a transaction is that of its first statement
            together.wait(PATIENCE)
        return request.user.pk

    with SlowPage(site, view) as slow:
        assert site.is_row_free()
        others = in_threads([site.get] * OTHERS)
        assert [(other.status_code, other.content.decode()) for other in others] == [site.signed_in_answer] * OTHERS
        assert not slow.answer.done()
    assert slow.answer.result() == site.signed_in_answer
    if engine != "django":
        assert site.seen() == site.now


@pytest.mark.parametrize("second", [False, True], ids=["one-database", "two-databases"])
@pytest.mark.parametrize("engine", [*IN_SQL, "django"])
def test_page_that_reads_does_not_wait_for_one_that_has_written(site_of, engine, second):
    """What a view saves inside its transaction stays locked until its end; others read what was there before."""
    site = site_of(engine, second=second)

    def view(request):
        if "slow" in request.GET:
            request.session["x"] = 1
            request.session.save()
        return f"{request.user.pk} {request.session.get('x')}"

    with SlowPage(site, view) as slow:
        assert not site.is_row_free()
        other = site.get()
        assert other.content.decode() == f"{site.user.pk} None"
        assert not slow.answer.done()
    assert slow.answer.result() == (200, f"{site.user.pk} 1")


@pytest.mark.parametrize("engine", OURS)
def test_event_loop_holds_nothing_and_slides_after_the_view(site_of, engine):
    """Under ASGI a view in a thread has its transaction there, and the response is made in the event loop."""
    site = site_of(engine)
    free = []

    def view(request):
        pk = request.user.pk
        free.extend(in_threads([site.is_row_free]))
        return pk

    async def visit():
        return await site.get(AsyncClient)

    session_site.TO_DO[:] = [view]
    response = async_to_sync(visit)()
    assert (response.status_code, response.content.decode()) == site.signed_in_answer
    assert free == [True]
    assert site.seen() == site.now


@pytest.mark.parametrize("engine", OURS)
def test_time_out_slides_though_the_view_failed(site_of, engine):
    site = site_of(engine)

    def fail(request):
        raise ValueError(request.user.pk)

    assert site.answer(fail)[0] == 500
    assert site.seen() == site.now


@pytest.mark.parametrize("engine", OURS)
def test_slide_costs_one_trip_more_and_only_where_it_is_due(site_of, engine):
    site, trips = site_of(engine), []

    def view(request):
        trips.append(request.session.round_trips)
        return request.user.pk

    for passed in (0, SOON, 0):  # the first one loads Redis's scripts, too
        site.now += passed
        assert site.answer(view) == site.signed_in_answer
    assert [counted.trips for counted in trips[1:]] == {"database": [2, 1], "tiered": [3, 1], "redis": [1, 1]}[engine]


# What ends a transaction: what the view does first, and what another connection does then.
LOCK = "SELECT 1 FROM sessions_farm_session WHERE key_hash = %s FOR UPDATE"


class Holder:
    """Another connection, with the session's row locked in its transaction."""

    def __init__(self, site):
        self.site = site

    def __enter__(self):
        self.connection = connections[self.site.alias].copy()
        self.connection.set_autocommit(False)
        self.execute(LOCK, [self.site.key])
        return self

    @property
    def pid(self):
        return self.connection.connection.info.backend_pid

    def execute(self, statement, given=()):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, given)

    def __exit__(self, *_error):
        self.connection.close()


def wait_until_held_up(pid):
    """Wait until a connection waits for a lock of another's."""
    until = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT cardinality(pg_blocking_pids(%s))", [pid])
            if cursor.fetchone()[0]:
                return
            time.sleep(0.005)
    pytest.fail(f"The connection {pid} waits for nobody after {PATIENCE} s.")


def local(setting):
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL {setting}")


@pytest.mark.parametrize("setting", ["lock_timeout = 20", "statement_timeout = 20"])
@pytest.mark.parametrize("engine", IN_SQL)
def test_time_outs_of_a_transaction_are_raised_as_djangos(site_of, engine, setting):
    """The store is there: the application may begin again, and nobody is told that the store is away."""
    site, errors = site_of(engine), []

    def view(request):
        if not errors:  # a busy machine may take its time over the statements of the second answer
            local(setting)
        request.session["x"] = 1
        try:
            request.session.save()
        except OperationalError as error:
            errors.append(error)
            raise
        return request.user.pk

    with Holder(site):
        assert site.answer(view)[0] == 500
    assert type(errors[0].__cause__).__name__ in {"LockNotAvailable", "QueryCanceled"}
    assert site.answer(view) == site.signed_in_answer


@pytest.mark.parametrize("engine", IN_SQL)
def test_template_that_swallows_the_error_shows_nobody_as_anonymous(site_of, engine):
    """The operators of ``{% if %}`` take every exception for false."""
    site = site_of(engine)
    template = Engine().from_string("{% if request.user.is_authenticated and 1 %}in{% else %}out{% endif %}")

    def view(request):
        local("lock_timeout = 20")
        return template.render(Context({"request": request}))

    with Holder(site) as holder:
        holder.execute("LOCK TABLE sessions_farm_session IN ACCESS EXCLUSIVE MODE")
        assert site.answer(view)[0] == 503
    assert site.answer(view) == (200, "in")


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("engine", IN_SQL)
def test_transaction_that_lost_against_another_is_made_again_by_the_application(site_of, engine, level):
    site, tries = site_of(engine, level, atomic=False), []

    def in_transaction(request):
        with transaction.atomic():
            pk = request.user.pk
            if not tries:
                in_threads([lambda: SessionStore(site.session_key).increment("x")])
            tries.append(request.session.increment("x"))
            return pk

    def view(request):
        with pytest.raises(OperationalError) as raised:
            tries.append(in_transaction(request))
        assert type(raised.value.__cause__).__name__ == "SerializationFailure"
        tries.append(None)
        return in_transaction(request)

    assert site.answer(view) == site.signed_in_answer
    assert tries == [None, 2]


@pytest.mark.parametrize("engine", IN_SQL)
def test_deadlock_is_the_transactions(site_of, engine):
    site = site_of(engine)
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if not cursor.fetchone()[0]:
            pytest.skip("Only a superuser may shorten the time after which PostgreSQL looks for a deadlock.")
    table = site.user._meta.db_table
    errors = []

    def view(request):
        local("deadlock_timeout = '20ms'")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} FOR UPDATE")
        entered.set()
        wait_until_held_up(holder.pid)  # who waits last sees the circle, for PostgreSQL looks once a wait
        request.session["x"] = 1
        try:
            request.session.save()
        except OperationalError as error:
            errors.append(error)
            raise

    with Holder(site) as holder, ThreadPoolExecutor(1) as pool:
        entered = threading.Event()
        holder.execute("SET LOCAL deadlock_timeout = '10s'")
        answer = pool.submit(closing, lambda: site.answer(view))
        assert entered.wait(PATIENCE)
        holder.execute(f"SELECT 1 FROM {table} FOR UPDATE")
        assert answer.result()[0] == 500
    assert type(errors[0].__cause__).__name__ == "DeadlockDetected"


def closing(work):
    try:
        return work()
    finally:
        connections.close_all()


@pytest.mark.parametrize("level", LEVELS[1:])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_conflict_of_the_stores_own_transaction_is_tried_again(site_of, level, way):
    """Outside the application's transactions nobody else could: a strict default of the server is no outage."""
    site = site_of("database", level, atomic=False)
    session = SessionStore(site.session_key)
    session["x"] = 1

    def save():
        if way == "async":
            async_to_sync(session.asave)()
        else:
            closing(session.save)

    with Holder(site) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("UPDATE sessions_farm_session SET seen_ms = seen_ms + 1 WHERE key_hash = %s", [site.key])
        saved = pool.submit(save)
        time.sleep(0.1)  # it waits for the row by now; else there is no conflict, and nothing is shown
        holder.connection.commit()
        saved.result()
    assert SessionStore(site.session_key)["x"] == 1


def test_load_in_a_transaction_says_what_is_left_to_do(site_of):
    site = site_of("database")
    with transaction.atomic():
        reading = run_sync(current_store().load(site.key, site.now))
    assert (reading.state, reading.touch_due, reading.header.seen < site.now) == (State.LIVE, True, True)
    reading = run_sync(current_store().load(site.key, site.now))
    assert (reading.touch_due, reading.header.seen) == (False, site.now)
