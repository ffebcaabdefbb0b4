"""``manage.py sessions`` says what the store knows, ends what it is told to, and refuses in words."""

from __future__ import annotations

import json
import os
import secrets
import signal
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from sessions_farm.models import Tier, Tombstone
from sessions_farm.session import ids as keys
from sessions_farm.session import queries, scopes, sweeper
from sessions_farm.session.session import SessionStore
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Change, Lifetime, now_ms
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.sql.unlogged import TABLES
from sessions_farm.stores.switching import ORIGIN, frozen_key
from sessions_farm.tests.support.declared_farm import again, handle, saved, use
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.stores_fixtures import HOUR, REDIS_URL

NEEDS_REDIS = pytest.mark.skipif(not REDIS_URL, reason="no Redis here")
STORES = ["memory", *(["redis"] if REDIS_URL else [])]

pytestmark = pytest.mark.django_db


@pytest.fixture(params=STORES)
def store(request, settings, tmp_path):
    use(settings, request.param, tmp_path)
    return request.param


def sessions(*arguments, **options):
    out = StringIO()
    call_command("sessions", *arguments, stdout=out, **options)
    return out.getvalue()


def as_json(*arguments):
    return json.loads(sessions(*arguments, "--format", "json"))


def test_status_tells_what_the_store_says(store):
    saved(page="/a")
    found = as_json("status")
    assert (found["store"], found["live"], found["error"], found["switch"]) == (store, 1, "", "")
    assert found["latency_seconds"] > 0
    assert found["pending_seconds"] is not None
    assert found["delivered_seconds"] is None
    sweeper.sweep()
    assert as_json("status")["pending_seconds"] is None
    assert as_json("status")["delivered_seconds"] is not None
    assert "1 session\n" in sessions("status")


@NEEDS_REDIS
def test_status_tells_the_epoch_of_copies(settings, tmp_path):
    use(settings, "tiered", tmp_path)
    Tier.objects.update_or_create(pk=1, defaults={"epoch": 7})
    assert as_json("status")["epoch"] == 7


@NEEDS_REDIS
def test_store_that_is_away_is_told_and_fails(settings, tmp_path, capsys):
    use(settings, "redis", tmp_path, REDIS_URL="redis://127.0.0.1:1/0", REDIS_TIMEOUT=0.2)
    out = StringIO()
    with pytest.raises(CommandError, match="'redis' does not answer"):
        call_command("sessions", "status", "--format", "json", stdout=out)
    assert json.loads(out.getvalue())["error"]
    with pytest.raises(CommandError, match="'redis' does not answer"):
        sessions("list")


def test_list_shows_some_and_never_an_id(store):
    made = [saved(page=f"/{number}", secret="hush!") for number in range(3)]
    assert {row["handle"] for row in as_json("list")} == {handle(session) for session in made}
    assert len(as_json("list", "--limit", "2")) == 2
    text = sessions("list")
    assert handle(made[0]) in text
    assert 'page="/0"' in text
    assert made[0].session_key not in text
    assert "hush!" not in text  # no digest has such a sign


def test_find_takes_json_or_text(store):
    text, number = saved(page="/7"), saved(page=7)
    assert [row["handle"] for row in as_json("find", "page=/7")] == [handle(text)]
    assert [row["handle"] for row in as_json("find", "page=7")] == [handle(number)]
    assert as_json("find", 'page="7"') == []


@pytest.mark.parametrize(("asked", "hint"), [("secret=1", "Declare it"), ("page", "write name=value")])
def test_find_refuses_what_cannot_be_found(store, asked, hint):
    with pytest.raises(CommandError, match=hint):
        sessions("find", asked)


def test_end_by_handle(store):
    session = saved(page="/a")
    assert sessions("end", handle(session)) == "Ended.\n"
    assert again(session).ended
    with pytest.raises(CommandError, match="No session lives under"):
        sessions("end", handle(session))


def test_end_ends_no_scope(store):
    scope = scopes.application("shop")
    scope["open"] = True
    with pytest.raises(CommandError, match="No session lives under"):
        sessions("end", scope.key)
    scope.refresh()
    assert scope["open"] is True


@pytest.mark.parametrize("called", ["anna@example.org", "pk"])
def test_end_by_person(store, settings, called):
    settings.SESSION_ENGINE = "sessions_farm.engine"
    anna = make_user("anna@example.org")
    for _ in range(2):
        Client().force_login(anna)
    stranger = saved(page="/a")
    said = sessions("end", "--user", str(anna.pk) if called == "pk" else called)
    assert "2 sessions ended" in said
    assert [one.handle for one in queries.find()] == [handle(stranger)]


def test_end_refuses_a_person_who_is_not_there(store):
    with pytest.raises(CommandError, match="No person is called 'bert'"):
        sessions("end", "--user", "bert")
    with pytest.raises(CommandError, match="required"):
        sessions("end")


@pytest.mark.parametrize(
    ("options", "hint"), [({}, "There is no switch"), ({"SWITCH_TO": "database"}, "still follows")]
)
def test_switch_refuses_where_there_is_none(settings, tmp_path, options, hint):
    use(settings, "memory", tmp_path, **options)
    with pytest.raises(CommandError, match=hint):
        sessions("switch")


@pytest.fixture(params=STORES)
def left(request, settings, tmp_path):
    """The ids of ten sessions that are left in the old store, beside a scope."""
    use(settings, "database", tmp_path, SWITCH_FROM=request.param)
    old, now = current_store().old, now_ms()
    run_sync(old.create(scopes.application("shop").key, {"open": "true"}, scopes.ALWAYS, now))
    ids = [keys.new_id() for _ in range(10)]
    for number, session_id in enumerate(ids):
        run_sync(old.create(keys.digest(session_id), {"number": str(number)}, Lifetime(HOUR, now + 9 * HOUR), now))
    return ids


def test_switch_moves_what_nobody_asked_for(left):
    said = sessions("switch", "--batch", "4")
    assert "5 moved from" in said  # four sessions and a scope
    assert "11 moved from" in said
    assert "SWITCH_FROM can be removed" in said
    store = current_store()
    assert run_sync(store.old.count(now_ms())) == 0
    assert run_sync(store.old.scope_keys(10)) == []
    assert run_sync(store.new.count(now_ms())) == 10
    assert [SessionStore(session_id)["number"] for session_id in left] == list(range(10))
    scopes.application("shop").refresh()
    assert scopes.application("shop")["open"] is True


def test_switch_finishes_a_move_that_was_left_half_done(left):
    key, old = keys.digest(left[3]), current_store().old
    run_sync(old.rotate(key, frozen_key(key), Change(put={ORIGIN: json.dumps(key)}), now_ms(), 0))
    sessions("switch")
    assert run_sync(old.count(now_ms())) == 0
    assert run_sync(current_store().new.count(now_ms())) == 10
    assert SessionStore(left[3])["number"] == 3
    assert ORIGIN not in SessionStore(left[3])


def test_doubt_is_of_copies(settings, tmp_path):
    use(settings, "database", tmp_path)
    with pytest.raises(CommandError, match="has no copies"):
        sessions("invalidate")


@NEEDS_REDIS
@pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])
def test_copies_of_before_are_not_believed_once_they_are_doubted(settings, tmp_path):
    use(settings, "tiered", tmp_path, TIER_POLL=0)
    in_tiers = settings.SESSIONS_FARM
    session = saved(page="/a")
    settings.SESSIONS_FARM = in_tiers | {"STORE": "database"}
    later = again(session)
    later["page"] = "/b"
    later.save()
    settings.SESSIONS_FARM = in_tiers
    assert again(session)["page"] == "/a"  # the control: nobody told the copy
    assert "The epoch is raised" in sessions("invalidate")
    assert again(session)["page"] == "/b"


def test_sweep_once(store):
    run_sync(current_store().create("k" * 43, {}, Lifetime(10, 10), 1))
    assert sessions("sweep") == "Swept in 1 batch.\n"
    assert run_sync(current_store().count(5)) == 0


def test_sweep_again_and_again_stops_at_the_signal(store, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    swept = []

    def sweep():
        swept.append(1)
        if len(swept) == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(sweeper, "sweep", sweep)
    assert sessions("sweep", "--every", "0.01") == "Stopped.\n"
    assert len(swept) == 3
    assert signal.getsignal(signal.SIGTERM) is before


@NEEDS_REDIS
def test_acl_prints_a_user_without_a_password_in_it(settings, tmp_path):
    use(settings, "redis", tmp_path, REDIS_URL="redis://shop:geheim@127.0.0.1/0")
    said = sessions("acl")
    assert said.startswith("user shop reset on #")
    assert "geheim" not in said


@pytest.fixture
def least():
    """Make a user with the rights of an ACL line; it goes at the end."""
    made = []
    with pytest.importorskip("redis").Redis.from_url(REDIS_URL) as boss:

        def make(line):
            _, name, *rules = line.split()
            boss.execute_command("ACL", "SETUSER", name, *rules)
            made.append(name)

        yield make
        for name in made:
            boss.execute_command("ACL", "DELUSER", name)


@NEEDS_REDIS
@pytest.mark.parametrize("name", ["redis", "tiered"])
@pytest.mark.django_db(transaction=True, available_apps=["sessions_farm"])
def test_least_rights_are_enough_for_all_that_is_done(settings, tmp_path, least, caplog, name):
    at = urlsplit(REDIS_URL)
    user = f"least-{secrets.token_hex(4)}"
    use(settings, name, tmp_path, REDIS_URL=at._replace(netloc=f"{user}:open@{at.hostname}:{at.port}").geturl())
    least(sessions("acl"))
    session, store = saved(page="/a"), current_store()
    session.increment("hits")
    session.cycle_key()
    session.save()
    assert len(queries.find(page="/a")) == queries.count() == 1
    with scopes.application("shop").lock():
        scopes.application("shop").increment("orders")
    run_sync(store.wait("nobody's", 0.01))
    sweeper.sweep()
    run_sync(store.read_changes("page", "", 0.01))
    run_sync(store.scope_keys(1))
    run_sync(store.put_code("digest", "payload", 60))
    assert run_sync(store.take_code("digest")) == "payload"
    session.delete()
    assert run_sync(store.end_where("page", '"/a"', "", "ended", now_ms())) == 0
    assert not [record for record in caplog.records if record.levelname == "WARNING"]  # tiered would go on in SQL


def test_acl_refuses_what_is_no_redis(settings, tmp_path):
    pytest.importorskip("redis")
    use(settings, "database", tmp_path, REDIS_URL="http://somewhere")
    with pytest.raises(CommandError, match="may begin with redis"):
        sessions("acl")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="this one knows them")
def test_logged_is_refused_where_there_is_no_such_thing():
    with pytest.raises(CommandError, match="PostgreSQL has"):
        sessions("logged", "off")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL has unlogged tables")
def test_tables_are_unlogged_and_logged_again():
    assert {kind_of(table) for table in TABLES} == {"p"}
    assert "After a crash" in sessions("logged", "off")
    assert {kind_of(table) for table in TABLES} == {"u"}
    assert kind_of(Tombstone._meta.db_table) == "p"
    sessions("logged", "on")
    assert {kind_of(table) for table in TABLES} == {"p"}


def kind_of(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = %s", [table])
        return cursor.fetchone()[0]
