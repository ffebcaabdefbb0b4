"""Probes and figures: answered before Django, whatever is away; and figures only to whoever has the token."""

import asyncio
import json
import logging
import os
from dataclasses import replace

import pytest
from django.db import connection
from django.test import Client

from mall import dependencies, health
from tests.support.two_vendors import MASTER, make_marketplace


@pytest.fixture
def looks(monkeypatch, settings):
    """What a node has seen of its dependencies; nothing yet. A crowded machine's may take their time to answer."""
    monkeypatch.setattr(dependencies, "LOOK_SECONDS", 60)
    monkeypatch.setattr(dependencies, "WAITS", replace(dependencies.WAITS, answer=60, connect=60, place=60))
    settings.SESSIONS_FARM = settings.SESSIONS_FARM | {"REDIS_TIMEOUT": 60}
    own = dependencies.Dependencies()
    monkeypatch.setattr(health, "dependencies", own)
    return own


async def _no_page(_scope, _receive, _send):
    raise AssertionError("a probe reached the pages")


def probe(path, token=""):
    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(health.HealthEndpoints(_no_page)(scope, None, send))
    return sent[0]["status"], sent[1]["body"].decode()


def ready():
    status, body = probe("/readyz")
    return status, json.loads(body)


def test_liveness_looks_at_the_process_only():
    assert probe("/healthz") == (200, "ok")  # no database mark: a query would fail this test


def test_a_node_that_has_not_looked_yet_is_not_ready(looks):
    assert ready() == (503, {"ready": False, "waits_for": "first look", "degraded": {}})


@pytest.mark.django_db
def test_a_node_with_all_it_needs_is_ready(looks):
    looks.look()
    assert ready() == (200, {"ready": True, "waits_for": "", "degraded": {}})


@pytest.fixture
def without_redis(settings):
    """Redis and cache at an address where nobody listens."""
    away = "redis://127.0.0.1:1/0"
    settings.SESSIONS_FARM = settings.SESSIONS_FARM | {"REDIS_URL": away}
    settings.CACHE_URL = away


@pytest.fixture
def without_database(monkeypatch):
    """The database at an address where nobody listens."""
    monkeypatch.setitem(connection.settings_dict, "PORT", "1")
    monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")


@pytest.mark.django_db
def test_a_node_without_redis_and_cache_stays_in_the_pool_and_says_so(looks, without_redis):
    looks.look()
    assert ready() == (
        200,
        {"ready": True, "waits_for": "", "degraded": {"redis": "ConnectionError", "cache": "ConnectionError"}},
    )
    assert dependencies.UP.labels("redis")._value.get() == 0
    assert dependencies.UP.labels("database")._value.get() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("is_migrated", [None, True])
def test_a_node_without_its_database_stays_in_the_pool_to_say_one_moment(looks, without_database, is_migrated):
    looks.is_migrated = is_migrated
    looks.look()
    assert ready() == (200, {"ready": True, "waits_for": "", "degraded": {"database": "OperationalError"}})


@pytest.mark.django_db
def test_a_node_that_reaches_nothing_leaves_the_pool_until_it_reaches_anything(
    looks, without_redis, without_database, settings
):
    looks.look()
    status, said = ready()
    assert (status, said["waits_for"], set(said["degraded"])) == (503, "network", {"database", "redis", "cache"})
    settings.CACHE_URL = os.environ["REDIS_URL"]
    looks.look()
    assert ready()[0] == 200


@pytest.mark.django_db
def test_a_node_with_a_missing_migration_is_not_ready_until_it_is_there(looks):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'shipping_later' WHERE app = 'shipping'")
    looks.look()
    assert ready()[0] == 503
    assert ready()[1]["waits_for"] == "migrations"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'shipping' WHERE app = 'shipping_later'")
    looks.look()
    assert ready()[0] == 200


@pytest.mark.django_db
def test_a_draining_node_says_so_while_it_still_serves(looks, monkeypatch, tmp_path):
    flag = tmp_path / "drain"
    monkeypatch.setattr(health, "DRAIN_FILE", flag)
    looks.look()
    flag.touch()
    make_marketplace()
    assert ready()[1]["waits_for"] == "drain"
    assert Client(headers={"host": MASTER}).get("/").status_code == 200


@pytest.mark.django_db
def test_figures_need_the_token(settings):
    settings.OPS_TOKEN = "figures-please"
    make_marketplace()
    Client(headers={"host": MASTER}).get("/")

    assert probe("/metrics")[0] == 403
    assert probe("/metrics", "wrong")[0] == 403
    status, figures = probe("/metrics", "figures-please")
    assert status == 200
    assert 'mall_requests_total{method="GET",route="mall:home",status="200"}' in figures
    assert 'mall_request_seconds_bucket{le="0.005",route="mall:home"}' in figures
    assert 'mall_circuit_breakers_open{of="feed"}' in figures


def test_a_scrape_asks_no_table():
    assert b"mall_sockets" in health.render_metrics()  # no database mark: a query would fail this test


def test_figures_refuse_a_token_of_other_letters(settings):
    settings.OPS_TOKEN = "figures-please"
    assert probe("/metrics", "\xe9")[0] == 403


def test_without_a_token_nobody_gets_figures(settings):
    settings.OPS_TOKEN = ""
    assert probe("/metrics", "")[0] == 403


@pytest.mark.django_db
def test_each_response_names_the_node_and_each_log_line_the_request(settings, caplog):
    settings.NODE = "web7"
    make_marketplace()
    with caplog.at_level(logging.INFO, "django_structlog"):
        response = Client(headers={"host": MASTER}).get("/")
    assert response["X-Node"] == "web7"
    events = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    started, finished = (event for event in events if event["event"].startswith("request_"))
    assert started["request_id"] == finished["request_id"] != ""
    assert finished["code"] == 200
