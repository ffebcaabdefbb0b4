"""Redis refuses, freezes, starts again, is emptied and runs full while visitors come: nobody notices on ``tiered``."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test import Client as StockClient

from sessions_farm.stores import current_store
from sessions_farm.tests.support import fault_site
from sessions_farm.tests.support.cable import RedisCable
from sessions_farm.tests.support.fault_site import Crowd, Failures, Times, say_latency, serve_stock, serving
from sessions_farm.tests.support.people import make_user
from sessions_farm.tests.support.redis_servers import Server, needs_servers, running, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    needs_servers,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite lets one visitor write at a time."),
]


@pytest.fixture
def server(tmp_path):
    with running(Server(tmp_path)) as (one,):
        yield one


@pytest.fixture
def site(server, settings, scale):
    with serving(settings, server.url, scale):
        yield


@dataclass(frozen=True)
class Fault:
    """Harm to a server, for how long, and its end."""

    harm: Callable[[Server], object]
    seconds: float
    mend: Callable[[Server], object]


@pytest.fixture
def report(capsys, scale):
    return say_latency(capsys, scale)


def empty(server):
    with server.admin() as client:
        client.flushall()


def fill_up(server, limit):
    with server.admin() as client:
        client.config_set("maxmemory", limit)


def start_again(server):
    server.kill()
    server.start()


FAULTS = {
    "refused": Fault(Server.kill, 0.5, Server.start),
    "frozen": Fault(Server.freeze, 1.2, Server.thaw),
    "restarted": Fault(start_again, 0.3, start_again),
    "emptied": Fault(empty, 0.3, empty),
    "full": Fault(lambda server: fill_up(server, 1), 0.4, lambda server: fill_up(server, 0)),
}
LASTING = {"refused", "frozen", "full"}  # the others may be over before anybody asks


@pytest.mark.parametrize("name", FAULTS)
def test_nobody_notices_on_tiered(server, site, name, report, scale):
    failures = Failures(current_store().breaker)
    with Crowd(make_user(), scale) as crowd:
        with harmed(server, FAULTS[name]) as times:
            crowd.stay(FAULTS[name].seconds)
            until(lambda: failures.met or name not in LASTING, "the control: somebody meets the fault")
        crowd.stay(0.3)
    report(f"Redis {name}", crowd, times)
    crowd.assert_nobody_noticed()
    failures.assert_no_second_wait()
    current_store.cache_clear()  # another node
    crowd.assert_everybody_is_signed_in()
    assert (crowd.lost(), crowd.doubled()) == (0, 0)


@contextlib.contextmanager
def harmed(server, fault):
    times = Times(time.monotonic())
    fault.harm(server)
    try:
        yield times
    finally:
        fault.mend(server)
        times.end = time.monotonic()


def test_control_stock_engine_logs_out(server, settings):
    """The same site on Django's engine: it deletes the cookie of a session that is still in Redis."""
    pytest.importorskip("django_redis")
    cable = RedisCable(server.url)
    serve_stock(settings, {"LOCATION": cable.url})
    visitor = fault_site.Visitor(StockClient(raise_request_exception=False))
    visitor.sign_in(make_user())
    assert visitor.look().said["signed_in"]
    cable.cut()
    answer = visitor.look()
    assert (answer.status, answer.signed_out, answer.cookie_deleted) == (200, True, True)
    cable.mend()
    assert visitor.look().signed_out
    with server.admin(db=0) as client:
        assert [name for name in client.scan_iter() if "sessions.cache" in name]
    cable.cut()
