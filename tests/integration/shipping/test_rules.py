"""What the other side's answers lead to: retries, refusals, holds, the breaker."""

import json
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from sessions_farm.tests.support.scale import counted
from shipping import results, services
from shipping.envelope import unverified_payload
from shipping.models import Dispatch, Route
from shipping.runner import drain
from shipping.transports.http import HttpTransport
from tests.integration.shipping.conftest import order_in
from tests.support.dispatch_world import World

MINUTE = timedelta(minutes=1)
NOW = timezone.now()


@pytest.fixture
def route(route_to, scripted):
    return route_to("http", {"url": scripted.url}, {"secret": scripted.secret})


@pytest.fixture
def order(route, vendor, place_order):
    return place_order(vendor, now=NOW)


@pytest.fixture
def row(order, dispatch_of):
    return dispatch_of(order)


def answers(scripted, *statuses, **headers):
    scripted.answers = [(status, headers, b"said so") for status in statuses]


@pytest.mark.parametrize("status", [301, 302, 408, 425, 429, 500, 503])
def test_passing_trouble_is_retried(status, scripted, row):
    answers(scripted, status, Location="http://169.254.169.254/latest")
    assert drain(now=NOW) == {"retry": 1}
    row.refresh_from_db()
    assert row.state == "ready"
    assert 4 <= (row.next_at - NOW).total_seconds() <= 6
    assert len(scripted.requests) == 1, "a redirect is not followed"


@pytest.mark.parametrize(("asked", "low", "high"), [("120", 120, 120), ("999999", 6 * 3600, 6 * 3600), ("soon", 4, 6)])
def test_retry_after_is_honoured_within_reason(asked, low, high, scripted, row):
    answers(scripted, 429, **{"Retry-After": asked})
    drain(now=NOW)
    row.refresh_from_db()
    assert low <= (row.next_at - NOW).total_seconds() <= high


def answer_by(scripted, status_of):
    """Answer each request by its order: with its acknowledgement, or with a status."""

    def answer(handler):
        body = order_in(handler.body)
        status = status_of(body)
        content = json.dumps({"ack": body["key"]} if status == 200 else {}).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    scripted.answers = [answer]


def test_refused_consignment_dies_alone_after_three_tries(scripted, row, vendor, place_order, dispatch_of):
    poison = row.consignment.order.number
    answer_by(scripted, lambda body: 422 if body["order"] == poison else 200)
    others = []
    for minutes in (0, 15, 45, 90):
        others.append(place_order(vendor, now=NOW))
        drain(now=NOW + minutes * MINUTE)
    row.refresh_from_db()
    assert (row.state, row.attempts.count()) == ("dead", 3)
    assert {dispatch_of(order).state for order in others} == {"acked"}


@pytest.mark.parametrize("status", [404, 422, 400])
def test_refusal_of_everything_holds_the_route_and_kills_nothing(status, scripted, route, row, vendor, place_order):
    """A server that was moved refuses all for hours: nothing dies, and all goes out once it is back."""
    for _ in range(19):
        place_order(vendor, now=NOW)
    answers(scripted, status)
    moment = NOW
    while moment < NOW + timedelta(hours=3):
        drain(now=moment)
        route.refresh_from_db()
        moment = max(route.open_until or moment, moment + timedelta(seconds=10))
    assert not Dispatch.objects.filter(state="dead").exists()
    assert len(scripted.requests) < 60
    answer_by(scripted, lambda _: 200)
    drain(now=moment + timedelta(hours=1))
    drain(now=moment + timedelta(hours=2))
    assert Dispatch.objects.filter(state="acked").count() == 20


def test_refused_dispatch_is_not_every_probe(scripted, route, row, vendor, place_order, dispatch_of):
    """The breaker is half open and the oldest dispatch is refused: the next probe is another one, and closes it."""
    poison = row.consignment.order.number
    good = place_order(vendor, now=NOW)
    Route.objects.update(failures=5, failing_since=NOW, open_until=NOW)
    Dispatch.objects.update(state="held")
    answer_by(scripted, lambda body: 422 if body["order"] == poison else 200)
    drain(now=NOW)
    assert dispatch_of(good).state != "acked"
    drain(now=NOW + timedelta(hours=1))
    assert dispatch_of(good).state == "acked"


def test_server_that_acknowledges_nothing_is_held_with_all_it_took(scripted, route, row, vendor, place_order):
    scripted.answers = [(200, {}, b"<html>Welcome</html>")]
    for _ in range(4):
        place_order(vendor, now=NOW)
    for day in range(9):
        drain(now=NOW + timedelta(days=2 * day))
    route.refresh_from_db()
    assert (route.state, route.reason) == ("held", results.NO_ACKS)
    assert not Dispatch.objects.filter(state="dead").exists()
    Route.objects.update(ack_policy="answer")
    services.release_route(route=route, now=NOW + timedelta(days=30))
    drain(now=NOW + timedelta(days=30))
    assert set(Dispatch.objects.values_list("state", "ack_by")) == {("acked", "response")}


def test_dispatch_that_others_overtook_needs_a_person(scripted, row, vendor, place_order):
    lost = row.consignment.order.number

    def answer(handler):
        body = order_in(handler.body)
        content = b"{}" if body["order"] == lost else json.dumps({"ack": body["key"]}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    scripted.answers = [answer]
    for day in range(4):
        place_order(vendor, now=NOW)
        drain(now=NOW + timedelta(days=2 * day))
    row.refresh_from_db()
    assert (row.state, row.sends) == ("dead", 3)


@pytest.mark.parametrize("trouble", ["dark for hours", "held"])
def test_work_goes_over_the_next_route(trouble, scripted, route, row, vendor, dispatch_of, make_vendor):
    second = services.set_up_route(
        vendor=vendor,
        transport="http",
        config={"url": scripted.url},
        secrets={"secret": scripted.secret},
        now=NOW,
        rank=2,
    )
    scripted.answers = [scripted.ack()]
    long_ago = NOW - timedelta(hours=5)
    Route.objects.filter(pk=route.pk).update(failures=9, failing_since=long_ago, open_until=NOW + timedelta(days=1))
    drain(now=NOW)
    assert scripted.requests == [], "five hours are not long enough"
    if trouble == "held":
        services.hold_route(route=route, reason="Its certificate ran out.")
        drain(now=NOW)
    else:
        drain(now=NOW + timedelta(hours=2))
    row.refresh_from_db()
    assert (row.state, row.route) == ("acked", second)
    assert row.attempts.get().route == second


def test_passing_404_does_not_kill(scripted, row):
    scripted.answers = [(404, {}, b""), scripted.ack()]
    drain(now=NOW)
    drain(now=NOW + 15 * MINUTE)
    row.refresh_from_db()
    assert row.state == "acked"


def test_redrive_sends_the_same_key_and_body(scripted, row):
    answers(scripted, 422)
    drain(now=NOW)
    Dispatch.objects.update(state="dead", next_at=None)
    assert services.redrive(dispatch_ids=[row.pk], now=NOW + 60 * MINUTE) == {row.pk}
    assert not services.redrive(dispatch_ids=[row.pk], now=NOW + 60 * MINUTE), "it is not dead any more"
    scripted.answers = [scripted.ack()]
    drain(now=NOW + 60 * MINUTE)
    row.refresh_from_db()
    assert row.state == "acked"
    assert {unverified_payload(content) for _, _, content in scripted.requests} == {bytes(row.body)}
    assert len({headers["webhook-id"] for _, headers, _ in scripted.requests}) == 1


@pytest.mark.parametrize("status", [401, 403, 410])
def test_wrong_route_is_held_and_spends_no_attempts(status, scripted, route, row, vendor, place_order):
    answers(scripted, status)
    place_order(vendor, now=NOW)
    drain(now=NOW)
    tried = len(scripted.requests)
    drain(now=NOW + timedelta(days=2))
    assert len(scripted.requests) == tried <= 2
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"held"}
    scripted.answers = [scripted.ack()]
    services.release_route(route=route, now=NOW + timedelta(days=2))
    drain(now=NOW + timedelta(days=2))
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"acked"}


def test_conflict_that_names_our_key_is_an_acknowledgement(scripted, row):
    scripted.answers = [(409, {}, b'{"ack": "%s"}' % row.key.encode())]
    assert drain(now=NOW) == {"acked": 1}


@pytest.mark.parametrize("content", [b"", b"ok", b'["ack"]', b'{"ack": "csg_other"}', b"\xff\x00"])
def test_other_success_is_sent_not_acknowledged(content, scripted, row):
    scripted.answers = [(200, {}, content)]
    assert drain(now=NOW) == {"sent": 1}


def test_huge_answer_is_cut(scripted, row):
    scripted.answers = [(200, {}, b"x" * 3_000_000)]
    assert drain(now=NOW) == {"sent": 1}
    assert len(row.attempts.get().response) == 2000


def test_dripping_answer_ends_at_the_deadline(scripted, row, monkeypatch):
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(1200):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    monkeypatch.setattr(HttpTransport, "deadline", timedelta(seconds=0.5))
    scripted.answers = [drip]
    begun = time.perf_counter()
    assert drain(now=NOW) == {"retry": 1}
    assert time.perf_counter() - begun < 30  # it drips for a minute


def test_breaker_spares_a_department_that_is_down(db, scripted, scale):
    """Dark for 24 hours, 5,000 waiting at SCALE=10; drained within ten minutes of the probe that finds it back."""
    answers(scripted, 503)
    world = World(1, scripted.url, scripted.secret)
    world.write(max(counted(5_000, scale), 20), due=[NOW] * max(counted(5_000, scale), 20))
    (route,) = world.routes
    moment = NOW
    while moment < NOW + timedelta(hours=24):  # at each moment at which something may be due
        drain(now=moment)
        route.refresh_from_db()
        moment = route.open_until or moment + timedelta(seconds=1)
    assert 90 <= len(scripted.requests) <= 130
    assert route.failing_since == NOW
    assert not Dispatch.objects.filter(state="dead").exists()
    scripted.answers = [scripted.ack()]
    back, begun = route.open_until + MINUTE, time.monotonic()
    while drain(now=back):
        assert time.monotonic() - begun < 600
    assert set(Dispatch.objects.values_list("state", flat=True)) == {"acked"}
    route.refresh_from_db()
    assert (route.failures, route.open_until, route.last_ok_at) == (0, None, back)


def test_half_open_breaker_lets_one_through(scripted, route, vendor, place_order):
    answers(scripted, 503)
    for _ in range(9):
        place_order(vendor, now=NOW)
    drain(now=NOW)
    before = len(scripted.requests)
    assert before <= 8
    drain(now=NOW + timedelta(seconds=20))
    assert len(scripted.requests) == before, "open: nothing goes"
    drain(now=NOW + timedelta(seconds=40))
    assert len(scripted.requests) == before + 1, "half open: one probe"


def test_one_department_down_does_not_touch_another(
    scripted, route, make_vendor, vendor, place_order, route_to, dispatch_of
):
    answers(scripted, 503)
    neighbour = make_vendor("thistle")
    route_to("http", {"url": scripted.url.replace("/hook", "/good")}, {"secret": scripted.secret}, seller=neighbour)

    def by_path(handler):
        content = b'{"ack": "%s"}' % handler.headers["webhook-id"].encode()
        good = handler.path == "/good"
        handler.send_response(200 if good else 503)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    scripted.answers = [by_path]
    orders = [place_order(seller, now=NOW) for seller in (vendor, neighbour) * 6]
    drain(now=NOW)
    states = {order.consignments.get().vendor.slug: set() for order in orders}
    for order in orders:
        states[order.consignments.get().vendor.slug].add(dispatch_of(order).state)
    assert states == {"fowlers": {"held"}, "thistle": {"acked"}}
