"""Rows of registered tables follow a session's key: copied by the rotation itself, in its transaction."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from sessions_farm.stores.base import Change, SessionEndedError
from sessions_farm.stores.sql.followers import FollowingTable, followers, register_follower, unregister_follower
from sessions_farm.tests.support.stores_fixtures import NOW, make_store, new_key, started

TABLE = FollowingTable("test_follower", "key", ("owner", "at"))


@pytest.fixture
def table(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE test_follower (key varchar(43) PRIMARY KEY, owner bigint, at bigint)")
    register_follower(TABLE)
    yield TABLE
    unregister_follower(TABLE)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE test_follower")


@pytest.fixture
def store(db):
    return make_store("database")


def insert(key, owner):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO test_follower (key, owner, at) VALUES (%s, %s, %s)", [key, owner, NOW])


def rows():
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, owner, at FROM test_follower")
        return {key: (owner, at) for key, owner, at in cursor.fetchall()}


def test_rotation_copies_the_row_to_the_new_key(store, table):
    key, other, beside = started(store), new_key(), new_key()
    insert(key, 7)
    insert(beside, 8)
    store.rotate(key, other, Change(put={"b": "1"}), NOW, 0)
    assert rows() == {key: (7, NOW), other: (7, NOW), beside: (8, NOW)}


def test_rotation_of_a_key_without_a_row_copies_nothing(store, table):
    store.rotate(started(store), new_key(), Change(), NOW, 0)
    assert rows() == {}


def test_row_under_the_new_key_stays(store, table):
    key, other = started(store), new_key()
    insert(key, 7)
    insert(other, 9)
    store.rotate(key, other, Change(), NOW, 0)
    assert rows()[other] == (9, NOW)


def test_refused_rotation_copies_nothing(store, table):
    key, other = started(store), new_key()
    insert(key, 7)
    store.delete(key, "ended", NOW)
    with pytest.raises(SessionEndedError):
        store.rotate(key, other, Change(), NOW, 0)
    assert other not in rows()


def test_copy_is_rolled_back_with_the_rotation(store, table):
    key, other = started(store), new_key()
    insert(key, 7)
    with transaction.atomic():
        store.rotate(key, other, Change(), NOW, 0)
        assert other in rows()
        transaction.set_rollback(True)
    assert rows() == {key: (7, NOW)}


def test_table_of_another_database_is_left_to_its_app(store, table):
    elsewhere = FollowingTable("elsewhere", "key", ("owner",), alias="other")
    assert store.rotates_followers
    register_follower(elsewhere)
    try:
        assert not store.rotates_followers
        store.rotate(started(store), new_key(), Change(), NOW, 0)
    finally:
        unregister_follower(elsewhere)


def test_table_is_registered_once(table):
    register_follower(TABLE)
    assert followers().count(TABLE) == 1
