"""Probes and figures: answered before any host is judged, true to what a request needs."""

import logging

import pytest
from django.db import connection
from django.test import Client

from mall import health
from tests.support.two_vendors import MASTER, make_marketplace


@pytest.fixture
def probe():
    return Client(headers={"host": "10.0.0.7:8000"})  # a balancer probes an address, not a host of the mall


def test_liveness_looks_at_the_process_only(probe):
    assert probe.get("/healthz").status_code == 200  # no database mark: a query would fail this test


@pytest.mark.django_db
def test_a_node_with_all_it_needs_is_ready(probe):
    response = probe.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True, "faults": {}})


@pytest.mark.django_db
def test_a_node_without_redis_is_not_ready(probe, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = probe.get("/readyz")
    assert (response.status_code, response.json()["faults"]) == (503, {"redis": "ConnectionError"})


@pytest.mark.django_db
def test_a_node_with_a_missing_migration_is_not_ready(probe, monkeypatch):
    monkeypatch.setattr(health, "MIGRATED", set())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'shipping'")
    assert probe.get("/readyz").json()["faults"] == {"migrations": "RuntimeError"}


@pytest.mark.django_db
def test_a_draining_node_says_so_while_it_still_serves(probe, monkeypatch, tmp_path):
    flag = tmp_path / "drain"
    monkeypatch.setattr(health, "DRAIN_FILE", flag)
    flag.touch()
    make_marketplace()
    assert probe.get("/readyz").status_code == 503
    assert Client(headers={"host": MASTER}).get("/").status_code == 200


@pytest.mark.django_db
def test_figures_need_the_token(probe, settings):
    settings.OPS_TOKEN = "figures-please"
    make_marketplace()
    Client(headers={"host": MASTER}).get("/")

    assert probe.get("/metrics").status_code == 403
    assert probe.get("/metrics", headers={"authorization": "Bearer wrong"}).status_code == 403
    figures = probe.get("/metrics", headers={"authorization": "Bearer figures-please"}).content.decode()
    assert 'mall_requests_total{method="GET",status="200"}' in figures
    assert "mall_request_seconds_bucket" in figures


def test_figures_refuse_a_token_of_other_letters(probe, settings):
    settings.OPS_TOKEN = "figures-please"
    assert probe.get("/metrics", headers={"authorization": "Bearer \xe9"}).status_code == 403


def test_without_a_token_nobody_gets_figures(probe, settings):
    settings.OPS_TOKEN = ""
    assert probe.get("/metrics", headers={"authorization": "Bearer "}).status_code == 403


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
