"""Killed and slow workers: what they had comes back, what they say too late does not count."""

import signal
import time
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from shipping import claim as claims
from shipping import presence, results, runner, signing_keys, tasks
from shipping.claim import LEASE, Room
from shipping.models import Dispatch, Route, VendorKey
from shipping.results import Finished
from shipping.runner import drain
from shipping.transports.base import SendResult, TransportError
from shipping.transports.http import HttpTransport
from tests.support.dispatch_world import World

NOW = timezone.now()


@pytest.fixture
def route(route_to, scripted):
    return route_to("http", {"url": scripted.url}, {"secret": scripted.secret})


def claim(now=NOW, owner="a", healthy=64, troubled=16):
    return claims.claim(room=Room(healthy, troubled), now=now, owner=owner)


def record(held, result, now):
    return results.record([Finished(held, result, NOW, now)], now)


def test_lease_that_ran_out_brings_the_work_back(route, vendor, place_order, dispatch_of):
    place_order(vendor, now=NOW)
    (first,) = claim()
    assert claim(now=NOW + LEASE - timedelta(seconds=1), owner="b") == []
    (second,) = claim(now=NOW + LEASE, owner="b")
    assert (first.dispatch.fence, second.dispatch.fence) == (1, 2)


def test_lease_is_renewed_while_it_holds(route, vendor, place_order):
    place_order(vendor, now=NOW)
    (held,) = claim()
    claims.renew(claims=[held], until=NOW + LEASE * 2)
    assert claim(now=NOW + LEASE, owner="b") == []
    (taken,) = claim(now=NOW + LEASE * 2, owner="b")
    claims.renew(claims=[held], until=NOW + LEASE * 9)  # too late: it is another's
    assert Dispatch.objects.get().next_at == NOW + LEASE * 3
    assert taken.dispatch.fence == 2


@pytest.mark.parametrize(
    "late", [SendResult(acked=True), TransportError("gone", permanent=True), TransportError("no", hold=True)]
)
def test_result_of_a_slow_worker_does_not_count(late, route, vendor, place_order, dispatch_of):
    order = place_order(vendor, now=NOW)
    (slow,) = claim(owner="slow")
    (quick,) = claim(now=NOW + LEASE * 2, owner="quick")
    assert record(slow, late, NOW + LEASE * 2) == ["late"]
    assert dispatch_of(order).state == "sending"
    assert record(quick, SendResult(acked=False), NOW + LEASE * 2) == ["sent"]
    row = dispatch_of(order)
    assert row.state == "sent"
    assert [attempt.outcome for attempt in row.attempts.all()] == ["late", "sent"]
    route.refresh_from_db()
    assert route.state == "enabled"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("health", "limit"),
    [
        ({"last_ok_at": NOW}, HttpTransport.in_flight),
        ({"last_ok_at": None}, 1),
        ({"failures": 2, "last_ok_at": NOW}, 1),
    ],
    ids=["works", "never worked", "fails"],
)
def test_many_workers_claim_each_dispatch_once_and_keep_the_limit(health, limit, route, vendor, place_order):
    Route.objects.update(**health)
    for _ in range(12):
        place_order(vendor, now=NOW)

    def work(number):
        try:
            return [held.dispatch.pk for held in claim(owner=str(number), healthy=3)]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        claimed = Counter(pk for taken in pool.map(work, range(16)) for pk in taken)
    for number in range(3):  # whoever found the route locked has gone without; nobody disturbs these
        claimed.update(work(number))
    assert len(claimed) == limit
    assert set(claimed.values()) == {1}


def test_routes_that_fail_take_no_slot_of_those_that_work(make_vendor, place_order, route_to, scripted):
    sellers = [make_vendor(f"seller{number}") for number in range(6)]
    for seller in sellers:
        route_to("http", {"url": scripted.url}, {"secret": scripted.secret}, seller=seller)
    Route.objects.filter(department__vendor__in=sellers[:4]).update(failures=1)
    for number, seller in enumerate(sellers):
        for _ in range(3):
            place_order(seller, now=NOW - timedelta(hours=9 - number))
    Route.objects.filter(department__vendor=sellers[5]).update(last_ok_at=NOW)
    held = claim(healthy=3, troubled=2)
    taken = Counter(each.route.department.vendor.slug for each in held)
    assert taken == {"seller0": 1, "seller1": 1, "seller4": 1, "seller5": 2}


def test_claim_and_result_of_many_cost_few_statements(
    make_vendor, place_order, route_to, scripted, django_assert_max_num_queries
):
    for number in range(5):
        seller = make_vendor(f"seller{number}")
        route_to("http", {"url": scripted.url}, {"secret": scripted.secret}, seller=seller)
        for _ in range(4):
            place_order(seller, now=NOW)
    Route.objects.update(last_ok_at=NOW)
    with django_assert_max_num_queries(4):  # with the savepoint of a test in a transaction
        held = claim()
    assert len(held) == 20
    finished = [Finished(each, SendResult(acked=True), NOW, NOW) for each in held]
    with django_assert_max_num_queries(11):
        assert results.record(finished, NOW) == ["acked"] * 20
    assert Dispatch.objects.filter(state="acked").count() == 20


def test_sends_may_end_while_the_rows_are_read(route, vendor, place_order, scripted, monkeypatch):
    """Sends end on the event loop's thread, in the middle of what the rows' thread does with those under way."""
    scripted.answers = [scripted.ack()]
    Route.objects.update(last_ok_at=NOW)
    for _ in range(16):
        place_order(vendor, now=NOW)
    looked = runner.Work.is_troubled

    def slowly(work, now):
        time.sleep(0.02)
        return looked(work, now)

    monkeypatch.setattr(runner.Work, "is_troubled", slowly)
    assert drain(now=NOW) == {"acked": 16}


@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_killed_workers_lose_nothing_and_double_nothing(http_department, cutter, manage, wait_until):
    """Workers are killed mid-drain, every tenth answer is lost, and each order is worked exactly once."""
    count, kills = 300, 3
    proxy = cutter(http_department.port, every=10, delay=0.03)
    world = World(1, f"http://127.0.0.1:{proxy.port}/orders", http_department.secret)
    (key,) = signing_keys.open_keys([VendorKey.objects.get().encrypted_secret])
    http_department.keys.write_text(f"{key.line}\n")
    workers = [manage("dispatchd", "--lease", "1") for _ in range(kills)]
    for worker in workers:
        assert "working" in worker.stdout.readline()
    world.write(count)
    for kill, worker in enumerate(workers, 1):
        # On a crowded machine the department may fail five times in a row, and is left alone for a minute or two.
        wait_until(lambda part=kill: proxy.seen >= part * count // (kills + 1), 240)
        with proxy.held():
            wait_until(lambda: proxy.waiting, 240)
            worker.send_signal(signal.SIGKILL)
            worker.communicate(timeout=60)
    cut_off = Dispatch.objects.filter(state="sending").count()
    assert cut_off, "the control: no worker was killed with work in hand, so this test shows nothing"
    time.sleep(1.1)  # the leases run out

    hours = 0
    while Dispatch.objects.exclude(state="acked").exists():
        assert hours < 100, Counter(Dispatch.objects.values_list("state", flat=True))
        drain(now=timezone.now() + timedelta(hours=hours))
        hours += 3

    jobs, arrivals = http_department.jobs, http_department.arrivals
    assert len(jobs) == count, "lost"
    assert set(jobs.values()) == {1}, "worked twice"
    # The control: they did arrive twice. A department without the inbox would have worked these twice.
    assert sum(times > 1 for times in arrivals.values()) >= 1
    assert sum(arrivals.values()) > count


@pytest.mark.django_db(transaction=True)
def test_dispatchd_outlives_its_connections_and_is_woken(
    vendor, place_order, route_to, scripted, manage, wait_until, dispatch_of, unused_tcp_port
):
    scripted.answers = [scripted.ack()]
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    assert not presence.is_there()
    process = manage("dispatchd", "--metrics-port", unused_tcp_port)
    try:
        wait_until(presence.is_there, 60)
        with connection.cursor() as cursor:  # as at a restart of the database
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchall(), "the control: it had a connection"
        order = place_order(vendor)
        tasks.drain_outbox()  # wakes it, and sends nothing itself
        wait_until(lambda: dispatch_of(order).state == "acked", 60)
        assert dispatch_of(order).lease_owner.endswith(f":{process.pid}")
        # It is counted behind the commit.
        wait_until(lambda: 'mall_dispatch_attempts_total{outcome="acked"} 1.0' in read_metrics(unused_tcp_port))
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def read_metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as page:
        return page.read().decode()
