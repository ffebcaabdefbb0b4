"""Alerts: each is in the runbook, and names metrics that some program of the mall has."""

import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from mall import beat, dependencies  # noqa: F401 -- their metrics
from shipping import metrics  # noqa: F401 -- its metrics
from tests.support.product_code import ROOT
from vendors import metrics_server

RULES = (ROOT / "deploy" / "alerts.yaml").read_text()
NAME = re.compile(r"\b(?:mall|farm)_\w+")


def test_each_alert_has_its_line_in_the_runbook():
    alerts = re.findall(r"- alert: (\w+)", RULES)
    listed = re.findall(r"^\| (\w+) \|", Path(ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    assert len(alerts) > 8
    assert [name for name in listed if name in alerts] == alerts


def test_alerts_name_metrics_that_are_there():
    there = {
        name for metric in REGISTRY.collect() for name in (metric.name, f"{metric.name}_total", f"{metric.name}_bucket")
    }
    named = {name for line in re.findall(r"expr: (.*)", RULES) for name in NAME.findall(line)}
    assert named - there == {"mall_database_pool"}  # of a pool, which tests do not have


def test_a_worker_gives_its_figures_to_the_token_alone(settings):
    settings.OPS_TOKEN = "figures-please"
    server = metrics_server.start(0)
    address = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(address, timeout=60)
        refused.value.close()
        asked = urllib.request.Request(address, headers={"Authorization": "Bearer figures-please"})
        with urllib.request.urlopen(asked, timeout=60) as page:
            assert b"mall_queue_messages" in page.read()
    finally:
        server.shutdown()
        server.server_close()
    assert refused.value.code == 403
