"""The engine on every store: Django's contract for a session, and what Django's own engines do not keep."""

from __future__ import annotations

import datetime
import time

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.cache import SessionStore as StockSession
from django.core.cache import caches
from django.db import connections
from django.utils import timezone

from sessions_farm.conf import options
from sessions_farm.session import ids
from sessions_farm.session.ids import Proof
from sessions_farm.session.serializer import TooLargeError
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.stores.base import now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.tests.support.stores_fixtures import EVERY, REDIS_URL, THREADED, in_threads

FILES = pytest.param("file", marks=pytest.mark.django_db(transaction=True))


@pytest.fixture(params=[*EVERY, FILES])
def farm(request, settings, tmp_path):
    use_store(request.param, settings, tmp_path)
    return request.param


@pytest.fixture(params=[*THREADED, FILES])
def threaded_farm(request, settings, tmp_path):
    use_store(request.param, settings, tmp_path)
    yield
    async_to_sync(sync_to_async(connections.close_all))()


def use_store(name, settings, folder):
    settings.SESSIONS_FARM = {
        "STORE": name,
        "FOLDER": str(folder),
        "REDIS_URL": REDIS_URL,
        "REDIS_PREFIX": "farm-tests",
        "REDIS_TIMEOUT": 5,
        "VARIABLE_LIMIT": 1000,
    }


@pytest.fixture
def session(farm):
    return SessionStore()


def saved(**variables):
    session = SessionStore()
    session.update(variables)
    session.save()
    return session


def proved(session_id=None):
    return SessionStore(proof=Proof(session_id or ids.new_id(), int(time.time())))


def stored(session_id):
    return dict(SessionStore(session_id).items())


def test_new_session_is_untouched(session):
    assert (session.modified, session.accessed, session.session_key) == (False, False, None)
    assert session.get("x", 5) == 5
    assert session.accessed
    assert not session.modified


def test_values_come_back(farm):
    values = {"none": None, "n": 1.5, "text": "ü\ud800\0", "list": [1, {"a": []}], "dict": {"k": True}, "neg": -3}
    assert stored(saved(**values).session_key) == values


def test_mapping_methods_are_djangos(farm):
    session = saved(a=1, b=2)
    session = SessionStore(session.session_key)
    assert (session.pop("a"), session.pop("zz", 9), session.setdefault("c", 3)) == (1, 9, 3)
    with pytest.raises(KeyError):
        session.pop("a")
    del session["b"]
    assert "b" not in session
    session["b"] = 7
    session.save()
    assert stored(session.session_key) == {"b": 7, "c": 3}
    assert sorted(session.keys()) == ["b", "c"]


def test_dropped_variable_is_gone(farm):
    session = SessionStore(saved(a=1, b=2).session_key)
    del session["a"]
    session.save()
    assert stored(session.session_key) == {"b": 2}


def test_nested_change_is_saved(farm):
    """Stock Django loses this one."""
    session = SessionStore(saved(cart=[{"n": 1}], flag=1).session_key)
    assert session["cart"]
    assert not session.modified
    session["cart"][0]["n"] = 2
    assert session.modified
    session.save()
    assert stored(session.session_key)["cart"] == [{"n": 2}]


def test_save_sends_only_what_changed(farm, monkeypatch):
    session = SessionStore(saved(big="x" * 900, small=1).session_key)
    session["small"] = 2
    session["big"] = session["big"]
    sent = []
    apply = current_store().apply
    monkeypatch.setattr(
        current_store(), "apply", lambda key, change, now: sent.append(change) or apply(key, change, now)
    )
    session.save()
    assert [dict(change.put) for change in sent] == [{"small": "2"}]


def test_unknown_bare_key_gets_a_fresh_one(farm):
    session = SessionStore("someunknownkey-someunknownkey")
    session["x"] = 1
    session.save()
    assert session.session_key != "someunknownkey-someunknownkey"
    assert not SessionStore().exists("someunknownkey-someunknownkey")


def test_proved_id_keeps_its_name(farm):
    session = proved()
    assert (session.get("x"), session.ended) == (None, False)
    session["x"] = 1
    session.save()
    assert session.session_key == session.proof.id
    assert stored(session.proof.id) == {"x": 1}


def test_nothing_is_stored_for_who_writes_nothing(farm):
    session = proved()
    session["x"] = 1
    del session["x"]
    session.save()
    assert not SessionStore().exists(session.proof.id)


def test_two_first_writes_of_one_id_both_stay(farm):
    one, two = proved(), None
    two = proved(one.proof.id)
    assert (one.get("x"), two.get("y")) == (None, None)
    one["x"], two["y"] = 1, 2
    one.save()
    two.save()
    assert stored(one.proof.id) == {"x": 1, "y": 2}


def test_save_of_a_deleted_session_is_refused(farm):
    session = saved(a=1)
    late = SessionStore(session.session_key)
    assert late["a"] == 1
    session.delete()
    late["b"] = 2
    with pytest.raises(UpdateError):
        late.save()
    assert SessionStore(session.session_key).ended


def test_ended_proved_id_is_not_used_again(farm):
    session = proved()
    session["x"] = 1
    session.save()
    session.delete()
    again = proved(session.proof.id)
    assert again.ended
    again["y"] = 1
    again.save()
    assert again.session_key != session.proof.id


def test_flush_ends_the_id_and_forgets_everything(farm):
    session = SessionStore(saved(a=1).session_key)
    old = session.session_key
    session.flush()
    assert (session.session_key, dict(session.items()), session.exists(old)) == (None, {}, False)


def test_flush_after_cycle_key_ends_both_ids(farm):
    session = SessionStore(saved(a=1).session_key)
    old = session.session_key
    session.cycle_key()
    session.flush()
    assert SessionStore(old).ended


def test_clear_drops_everything_without_a_load(farm):
    session = SessionStore(saved(a=1, b=2).session_key)
    session.clear()
    session["c"] = 3
    session.save()
    assert stored(session.session_key) == {"c": 3}


def test_cycle_key_moves_the_session(farm):
    session = SessionStore(saved(a=1).session_key)
    old = session.session_key
    session.cycle_key()
    session["user"] = 7
    assert not session.exists(old)
    session.save()
    assert session.session_key != old
    assert stored(session.session_key) == {"a": 1, "user": 7}


def test_cycle_key_of_an_empty_id_ends_it(farm):
    session = proved()
    session.cycle_key()
    session["user"] = 7
    session.save()
    assert session.session_key != session.proof.id
    assert proved(session.proof.id).ended


def test_grace_reads_the_old_variables_and_writes_nothing(farm):
    session = SessionStore(saved(a=1).session_key)
    in_flight = SessionStore(session.session_key)
    session.cycle_key()
    session["user"] = 7
    session.save()
    assert dict(in_flight.items()) == {"a": 1}
    assert in_flight.in_grace
    in_flight["b"] = 1
    with pytest.raises(UpdateError):
        in_flight.save()
    assert "b" not in stored(session.session_key)


def test_request_under_way_at_a_rotation_cannot_write(farm):
    """It was loaded before: neither the old session comes back nor does the new one get an anonymous write."""
    session = SessionStore(saved(a=1).session_key)
    in_flight = SessionStore(session.session_key)
    assert in_flight["a"] == 1
    session.cycle_key()
    session.save()
    in_flight["b"] = 1
    with pytest.raises(UpdateError):
        in_flight.save()


def test_increment_append_and_compare_act_at_once(farm):
    session = saved(n=1)
    assert session.increment("n", 2) == 3
    assert session.append("list", {"x": 1}) == [{"x": 1}]
    assert session.compare_and_set("n", 3, 4)
    assert not session.compare_and_set("n", 3, 5)
    assert (session["n"], stored(session.session_key)) == (4, {"n": 4, "list": [{"x": 1}]})


def test_increment_makes_the_session(farm):
    session = proved()
    assert session.increment("n") == 1
    assert stored(session.proof.id) == {"n": 1}
    assert SessionStore().increment("n") == 1


def test_concurrent_requests_lose_nothing(threaded_farm):
    key = saved(n=0).session_key
    readers = [SessionStore(key) for _ in range(8)]
    for number, reader in enumerate(readers):
        reader[f"v{number}"] = number
    in_threads([reader.save for reader in readers])
    in_threads([lambda: SessionStore(key).increment("n")] * 8)
    assert stored(key) == {"n": 8} | {f"v{number}": number for number in range(8)}


def stock_session(**variables):
    session = StockSession()
    session.update(variables)
    session.save()
    return session


@pytest.fixture
def stock_cache(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.mark.usefixtures("stock_cache")
def test_control_stock_engine_loses_overlapping_writes():
    """The harness sees a lost update where there is one."""
    key = stock_session(n=0).session_key
    readers = [StockSession(key) for _ in range(8)]
    for number, reader in enumerate(readers):
        reader[f"v{number}"] = number
    for reader in readers:
        reader.save()
    assert len(dict(StockSession(key).items())) == 2


@pytest.mark.usefixtures("stock_cache")
def test_control_stock_engine_brings_a_session_back(monkeypatch):
    """A logout that lands inside a late save: the session is there again, signed in."""
    session = stock_session(_auth_user_id="1")
    late = StockSession(session.session_key)
    late["x"] = 1
    cache = caches["default"]
    real = cache.set

    def set_after_logout(*args, **kwargs):
        monkeypatch.undo()
        StockSession(session.session_key).delete()
        return real(*args, **kwargs)

    monkeypatch.setattr(cache, "set", set_after_logout)
    late.save()
    assert dict(StockSession(session.session_key).items()) == {"_auth_user_id": "1", "x": 1}


def test_logout_inside_a_late_save_is_final(farm, monkeypatch):
    """The same interleaving as in the control."""
    session = saved(_auth_user_id="1")
    late = SessionStore(session.session_key)
    late["x"] = 1
    store = current_store()
    real = store.apply

    def apply_after_logout(*args):
        SessionStore(session.session_key).delete()
        return real(*args)

    monkeypatch.setattr(store, "apply", apply_after_logout)
    with pytest.raises(UpdateError):
        late.save()
    assert stored(session.session_key) == {}


def test_lifetimes_follow_what_is_in_the_session(farm):
    minute = 60_000
    for variables, idle in [
        ({"x": 1}, 20 * minute),
        ({"_auth_user_id": "1"}, 14 * 24 * 60 * minute),
        ({"_auth_user_id": "1", "_farm_staff": True}, 120 * minute),
        ({"_session_expiry": 90}, 90_000),
        ({"_session_expiry": 10**6, "_farm_staff": True}, 120 * minute),
    ]:
        session = saved(**variables)
        header = run_sync(current_store().load(ids.digest(session.session_key), now_ms())).header
        assert (header.idle, header.ends - header.created) == (idle, 30 * 24 * 60 * minute), variables


def test_lifetime_changes_with_the_variables(farm):
    session = SessionStore(saved(x=1).session_key)
    session["_auth_user_id"] = "1"
    session.save()
    assert run_sync(current_store().load(ids.digest(session.session_key), now_ms())).header.idle == 14 * 24 * 3_600_000


def test_expiry_at_a_moment_is_an_end(farm):
    session = saved(x=1)
    moment = timezone.now() + datetime.timedelta(seconds=90)
    session.set_expiry(moment)
    session.save()
    header = run_sync(current_store().load(ids.digest(session.session_key), now_ms())).header
    assert header.ends == int(moment.timestamp() * 1000)


def test_expiry_methods_are_djangos(session):
    assert session.get_expiry_age() == options().idle
    session.set_expiry(10)
    assert session.get_expiry_age() == 10
    session.set_expiry(0)
    assert session.get_expire_at_browser_close()
    session.set_expiry(None)
    assert not session.get_expire_at_browser_close()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [((1, 2), 1, TypeError), ("", 1, ValueError), ("n" * 201, 1, ValueError), ("a\0", 1, ValueError)],
)
def test_odd_names_are_refused(session, name, value, fault):
    with pytest.raises(fault):
        session[name] = value


@pytest.mark.parametrize(("value", "fault"), [(object(), TypeError), ({1, 2}, TypeError), ("x" * 1001, TooLargeError)])
def test_values_that_cannot_be_kept_are_refused(session, value, fault):
    session["x"] = value
    with pytest.raises(fault):
        session.save()


def test_secret_key_rotation_keeps_sessions(farm, settings):
    old = settings.SECRET_KEY
    session = proved()
    session["x"] = 1
    session.save()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another-secret-key", [old]
    again = proved(session.proof.id)
    assert again["x"] == 1
    again["y"] = 2
    again.save()
    assert stored(session.proof.id) == {"x": 1, "y": 2}
    settings.SECRET_KEY_FALLBACKS = []
    assert stored(session.proof.id) == {}  # without the old key nothing opens it


def test_async_twins_work(threaded_farm):
    key = saved(a=1).session_key
    async_to_sync(walk_async_twins)(key)


async def walk_async_twins(key):
    session = SessionStore(key)
    assert await session.aget("a") == 1
    await session.aset("b", [2])
    await session.asave()
    assert await session.aincrement("n") == 1
    await session.acycle_key()
    await session.asave()
    again = SessionStore(session.session_key)
    assert dict(await again.aitems()) == {"a": 1, "b": [2], "n": 1}
    await again.aflush()
    assert again.session_key is None
