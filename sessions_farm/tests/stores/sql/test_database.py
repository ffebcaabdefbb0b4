"""Sessions in SQL: Django's transactions, index terms, and the sweeper's own times."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from sessions_farm.declarations import Declarations
from sessions_farm.models import OutboxEvent, Session, Tombstone, Variable
from sessions_farm.stores.base import (
    IDEMPOTENCY_KEYS_KEPT,
    NEVER,
    Append,
    Change,
    Increment,
    KeyTakenError,
    Lifetime,
    State,
)
from sessions_farm.stores.sql import dialect
from sessions_farm.stores.sql.postgresql import queries_sql
from sessions_farm.tests.support.stores_fixtures import (
    COMMITTED,
    HOUR,
    LIFE,
    NOW,
    delete_rows,
    make_store,
    new_key,
    read,
    started,
)

ONLY_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's own.")


@pytest.fixture
def store(db):
    return make_store("database")


def test_everything_takes_part_in_djangos_transaction(store):
    key, other = started(store), new_key()
    events = OutboxEvent.objects.count()
    with transaction.atomic():
        store.modify(key, Increment("a", 1), NOW)
        store.rotate(key, other, Change(put={"b": "1"}), NOW, 1000)
        store.delete(other, "ended", NOW)
        transaction.set_rollback(True)
    assert store.load(key, NOW).variables["a"] == "1"
    assert store.load(other, NOW).state is State.ABSENT
    assert OutboxEvent.objects.count() == events


def test_touch_leaves_the_sweepers_index_alone(store):
    """Only the sweeper moves its indexed column, which is never later than the expiry."""
    key = started(store)
    due = Session.objects.get(key_hash=key).due_ms
    assert store.touch(key, NOW + HOUR // 2)
    assert store.load(key, NOW + HOUR // 2).header.expires == due + HOUR // 2
    store.apply(key, Change(put={"a": "2"}), NOW + HOUR // 2)
    assert Session.objects.get(key_hash=key).due_ms == due
    assert store.sweep_keys(due, 10)[1] == []
    assert Session.objects.get(key_hash=key).due_ms == due + HOUR // 2
    assert store.load(key, due).state is State.LIVE
    store.apply(key, Change(lifetime=Lifetime(1000, LIFE.ends)), due)
    assert Session.objects.get(key_hash=key).due_ms == due + 1000
    assert store.sweep_keys(due + 1000, 10)[1] == [key]


def test_long_terms_are_alike_in_sql_and_here(store):
    """The database makes the term of a sum or a longer list itself."""
    store = make_store("database", variables=Declarations({"list": {"indexed": True}}))
    long, items = new_key(), ['"' + "ä" * 40 + '"', '"' + "x" * 60 + '"']
    store.create(long, {}, LIFE, NOW)
    for item in items:
        text = store.modify(long, Append("list", item), NOW)
    assert len(text.encode()) > 100
    assert [found.key for found in store.find({"list": text}, NOW, 10)] == [long]
    store.apply(long, Change(put={"list": text}), NOW)
    assert [found.key for found in store.find({"list": text}, NOW, 10)] == [long]


def test_sums_are_of_any_size(store):
    key = started(store, {"a": str(10**30)})
    store.apply(key, Change(add={"a": -1, "b": 10**25}), NOW)
    assert read(store, key) == {"a": str(10**30 - 1), "b": str(10**25)}


def test_idempotency_keys_are_compared_whole(store):
    key = started(store, {"n": "0"})
    for idempotency_key in ["s1", "s11", "1", "s"]:
        store.modify(key, Increment("n", 1), NOW, idempotency_key)
    assert store.modify(key, Increment("n", 1), NOW, "s1") == "4"
    for number in range(IDEMPOTENCY_KEYS_KEPT):
        store.modify(key, Increment("n", 1), NOW, f"later{number}")
    assert len(Session.objects.get(key_hash=key).idempotency_keys.split()) == IDEMPOTENCY_KEYS_KEPT


def test_scopes_are_no_sessions_and_may_be_made_anew(store):
    key, always = "f:farm", Lifetime(NEVER, NEVER)
    store.create(key, {"page": '"/x"'}, always, NOW)
    assert store.scope_keys(10) == [key]
    assert (store.count(NOW), store.find({}, NOW, 10), store.get_many([key], NOW)) == (0, [], [])
    store.sweep(NEVER - 1, 10)
    store.delete(key, "ended", NOW)
    store.create(key, {}, always, NOW)
    assert not OutboxEvent.objects.exists()


def test_variables_go_with_their_session(store):
    key = started(store)
    started(store, {"owner": '"7"'})
    store.end_where("owner", '"7"', "", "ended", NOW)
    store.delete(key, "ended", NOW)
    started(store)
    store.sweep(NOW + HOUR, 10)
    assert not Variable.objects.exists()


@COMMITTED
@ONLY_POSTGRESQL
def test_parameters_bound_by_the_server_work_too():
    """PostgreSQL binds the parameters of one statement only; ours are bound here, whatever Django's are."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["server_side_binding"] = True
    store = make_store("database")
    try:
        key, other = started(store, {"n": "1", "page": '"/"'}), new_key()
        store.modify(key, Increment("n", 1), NOW, "x")
        store.modify(key, Append("list", "1"), NOW)
        store.apply(key, Change(add={"n": 1}, drop=["page"], lifetime=LIFE, idempotency_key="y"), NOW)
        store.rotate(key, other, Change(put={"owner": '"7"'}), NOW + HOUR // 2, 1000)
        assert store.load(other, NOW).variables == {"n": "3", "list": "[1]", "owner": '"7"'}
        assert store.load(key, NOW + HOUR // 2).in_grace
        assert len(store.find({"owner": '"7"'}, NOW, 10)) == len(store.get_many([other], NOW)) == store.count(NOW) == 1
        assert store.acquire("name", "token", NOW, 1000)
        _, place = store.read_changes("page", "", 0)
        store.apply(other, Change(put={"page": '"/y"'}), NOW)
        assert [change.text for change in store.read_changes("page", place, 0)[0]] == ['"/y"']
        assert store.end_where("owner", '"7"', "", "ended", NOW) == 1
        store.sweep(NOW + 9 * HOUR, 10)
        store.forget_events([event.id for event in store.read_events(10)])
    finally:
        connection.close()
        del options["server_side_binding"]
        delete_rows()


@ONLY_POSTGRESQL
@pytest.mark.parametrize("others", [False, True], ids=["alone", "while-others-commit"])
def test_feed_gives_a_transaction_its_own_changes_once(store, others):
    """A snapshot of the reader takes its own transaction for over once a later one has committed."""
    key = started(store)
    if others:
        commit_elsewhere()
    place = store.read_changes("page", "", 0)[1]
    seen = []
    for text in ("1", "2"):
        store.apply(key, Change(put={"page": text}), NOW)
        changes, place = store.read_changes("page", place, 0)
        seen.append([change.text for change in changes])
    assert seen == [["1"], ["2"]]
    assert store.read_changes("page", place, 0)[0] == []


def commit_elsewhere():
    """Commit a transaction, with an id of its own, over another connection."""
    with connection.Database.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_current_xact_id()")


def fill(count):
    """Write so many sessions, a page each, and as many that have ended."""
    times = {"created_ms": NOW, "seen_ms": NOW, "idle_ms": HOUR, "expires_ms": NOW + HOUR, "ends_ms": NOW + HOUR}
    sessions = [Session(key_hash=new_key(), due_ms=NOW + number, **times) for number in range(count)]
    Session.objects.bulk_create(sessions)
    Variable.objects.bulk_create(
        Variable(session=session, name="page", value='"/x"', term=f"/{number}")
        for number, session in enumerate(sessions)
    )
    Tombstone.objects.bulk_create(
        Tombstone(key_hash=new_key(), reason="ended", at_ms=NOW, until_ms=NOW + HOUR) for _ in range(count)
    )


@ONLY_POSTGRESQL
def test_lists_are_found_by_their_indexes(store):
    """Without statistics of a million sessions this proves only that the indexes can be used.

    Of empty tables it would not even prove that: any index is as good as any other there.
    """
    fill(1000)
    given = {
        "now": NOW,
        "limit": 10,
        "shared": [],
        "name": "page",
        "term": "x",
        "spare": "",
        "name0": "a",
        "term0": "b",
    }
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_seqscan = off")
        for statement, index in (
            (queries_sql.find(1), "variable_by_term"),
            (queries_sql.LOCK_WHERE, "variable_by_term"),
            (queries_sql.SWEEP_SESSIONS.format(events=""), "due_ms"),
            (queries_sql.CLEAR_FINAL_VARIABLES, "tombstone_in_grace"),
            (dialect.SCOPE_KEYS.replace("%(never)s", str(NEVER)), "session_of_scope"),
        ):
            cursor.execute(f"EXPLAIN {statement}", given)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert index in plan, plan


def test_rotation_to_a_key_that_stands_is_refused(store):
    key, other = started(store), started(store)
    with pytest.raises(KeyTakenError):
        store.rotate(key, other, Change(), NOW, 0)
    assert store.load(key, NOW).state is State.LIVE
