"""Killed and slow workers: what they had comes back, what they say too late does not count."""

import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from shipping import results
from shipping.claim import IN_FLIGHT, LEASE, claim
from shipping.drain import drain
from shipping.models import Dispatch
from shipping.transports.base import SendResult, TransportError

NOW = timezone.now()


@pytest.fixture
def route(route_to, scripted):
    return route_to("http", {"url": scripted.url}, {"secret": scripted.secret})


def test_lease_that_ran_out_brings_the_work_back(route, vendor, place_order, dispatch_of):
    place_order(vendor, now=NOW)
    (first,) = claim(route_id=route.pk, limit=9, now=NOW, owner="a")
    assert claim(route_id=route.pk, limit=9, now=NOW + LEASE, owner="b") == []
    (second,) = claim(route_id=route.pk, limit=9, now=NOW + LEASE * 2, owner="b")
    assert (first.dispatch.fence, second.dispatch.fence) == (1, 2)


@pytest.mark.parametrize(
    "late", [SendResult(acked=True), TransportError("gone", permanent=True), TransportError("no", hold=True)]
)
def test_result_of_a_slow_worker_does_not_count(late, route, vendor, place_order, dispatch_of):
    order = place_order(vendor, now=NOW)
    (slow,) = claim(route_id=route.pk, limit=9, now=NOW, owner="slow")
    (quick,) = claim(route_id=route.pk, limit=9, now=NOW + LEASE * 2, owner="quick")
    assert results.record(claim=slow, result=late, started=NOW, now=NOW + LEASE * 2) == "late"
    assert dispatch_of(order).state == "sending"
    assert results.record(claim=quick, result=SendResult(acked=False), started=NOW, now=NOW + LEASE * 2) == "sent"
    row = dispatch_of(order)
    assert row.state == "sent"
    assert [attempt.outcome for attempt in row.attempts.all()] == ["late", "sent"]
    route.refresh_from_db()
    assert route.state == "enabled"


@pytest.mark.django_db(transaction=True)
def test_many_workers_claim_each_dispatch_once_and_keep_the_limit(route, vendor, place_order):
    for _ in range(12):
        place_order(vendor, now=NOW)

    def work(number):
        try:
            return [held.dispatch.pk for held in claim(route_id=route.pk, limit=3, now=NOW, owner=str(number))]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        claimed = Counter(pk for taken in pool.map(work, range(16)) for pk in taken)
    assert len(claimed) == IN_FLIGHT
    assert set(claimed.values()) == {1}


@pytest.mark.django_db(transaction=True)
def test_killed_workers_lose_nothing_and_double_nothing(
    http_department, cutter, vendor, place_order, route_to, manage, wait_until, scale
):
    """Workers are killed mid-drain, every fifth answer is lost, and each order is worked exactly once."""
    count, kills = 40 * scale, 2
    proxy = cutter(http_department.port, every=5, delay=0.15)
    url = f"http://127.0.0.1:{proxy.port}/orders"
    route_to("http", {"url": url}, {"secret": http_department.secret})
    workers = [manage("dispatchd", "--lease", "1", "--every", "0.1") for _ in range(kills)]
    for worker in workers:
        assert "working" in worker.stdout.readline()
    for _ in range(count):
        place_order(vendor)
    for kill, worker in enumerate(workers, 1):
        wait_until(lambda part=kill: proxy.seen >= part * count // (kills + 1))
        with proxy.held():
            wait_until(lambda: proxy.waiting)
            worker.send_signal(signal.SIGKILL)
            worker.communicate(timeout=10)
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
