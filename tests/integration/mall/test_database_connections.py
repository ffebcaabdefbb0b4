"""Connections to PostgreSQL: options kept, ends noticed, every wait bounded; a read-only database still shows pages."""

import time

import psycopg
import pytest
from django.db import connection
from django.test import Client
from psycopg_pool import ConnectionPool

from mall import database, environment
from sessions_farm.models import Session
from tests.support.shop import MASTER, add_goods, make_shop

HOSTS = "postgres://mall:secret@db1:5432,db2:5433/mall?sslmode=verify-full&target_session_attrs=read-write"


def options_of(url, pool=8):
    return database.configured(environment.Env.db_url_config(url), pool=pool)


def test_what_the_address_asks_for_is_kept():
    found = options_of(f"{HOSTS}&connect_timeout=9&options=-c%20work_mem%3D8MB")
    assert (found["HOST"], found["PORT"]) == ("db1,db2", "5432,5433")
    options = found["OPTIONS"]
    assert (options["sslmode"], options["target_session_attrs"]) == ("verify-full", "read-write")
    assert options["connect_timeout"] == 9
    assert options["options"].endswith("statement_timeout=10s -c work_mem=8MB")


def test_a_worker_has_no_pool_and_its_statements_take_their_time():
    options = options_of(HOSTS, pool=0)["OPTIONS"]
    assert "pool" not in options
    assert "statement_timeout" not in options["options"]


def test_a_secret_of_a_file_ends_before_its_line_break(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("a secret\n")
    monkeypatch.setenv("OF_A_FILE_FILE", str(tmp_path / "key"))
    assert environment.Env().str("OF_A_FILE") == "a secret"


def parameters():
    found = connection.get_connection_params()
    del found["cursor_factory"]
    return found | {"autocommit": True}


def reused_after_the_server_closed_it(**checks) -> int:
    """Lend a connection, let the server end it while it rests, lend again; the answer of a query then."""
    with (
        ConnectionPool(kwargs=parameters(), min_size=1, max_size=1, **checks) as pool,
        psycopg.connect(**parameters()) as other,
    ):
        with pool.connection() as first:
            pid = first.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])
        with pool.connection() as second:
            return second.execute("SELECT 1").fetchone()[0]


def test_a_connection_that_the_server_closed_is_not_lent(db):
    assert reused_after_the_server_closed_it(check=database.require_open) == 1
    with pytest.raises(psycopg.OperationalError):  # control: without the look, the page fails
        reused_after_the_server_closed_it()


def test_a_server_that_gives_no_answer_is_given_up(db, monkeypatch):
    monkeypatch.setattr(database, "ANSWER_SECONDS", 0.3)
    bounded = database.BoundedConnection.connect(**parameters())
    pid = bounded.info.backend_pid
    begun = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="no answer"):
        bounded.execute("SELECT pg_sleep(120)")
    assert time.monotonic() - begun < 60
    assert bounded.closed
    with connection.cursor() as cursor:  # it would sleep on, and keep the test database from being dropped
        cursor.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])


@pytest.mark.django_db(transaction=True)
def test_a_read_only_database_shows_pages_and_says_one_moment_to_writes(redis_client):
    shop = make_shop()
    vase = add_goods(shop, "basalt", "Vase")
    shopper = Client(headers={"host": MASTER}, raise_request_exception=False)
    add = {"variant": vase.pk, "quantity": 1}
    assert shopper.post("/cart/add/", add).status_code == 303
    shopper.get("/cart/")  # shows the message of the addition, which it takes out of the session
    Session.objects.update(seen_ms=0)  # each load would extend the time-out, which is a write
    redis_client.flushdb()  # no copy is left to read instead
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        for path in ("/", "/cart/", "/search/?q=vase", "/stores/basalt/", "/stores/basalt/products/vase/", "/about/"):
            assert shopper.get(path).status_code == 200, path
        assert "Vase" in shopper.get("/cart/").content.decode()
        stranger = Client(headers={"host": MASTER}, raise_request_exception=False)
        assert stranger.get("/").status_code == 200
        refused = shopper.post("/cart/add/", add)
        assert (refused.status_code, refused["Retry-After"]) == (503, "5")
        assert "nothing can be changed" in refused.content.decode()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET default_transaction_read_only")
    assert shopper.post("/cart/add/", add).status_code == 303
