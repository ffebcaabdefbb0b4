"""The outbox row comes with the order, or not at all; and nobody waits for the broker."""

import json
import os
import socket
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from shipping import services, tasks
from shipping.models import Dispatch
from shipping.runner import drain
from vendors.nudge import Nudge, nudge

DEAD = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def rested():
    nudge.circuit_open_until = 0.0
    yield
    nudge.circuit_open_until = 0.0


def test_each_consignment_has_one_dispatch(make_vendor, place_order):
    order = place_order(make_vendor("fowlers"), make_vendor("thistle"))
    rows = Dispatch.objects.filter(consignment__order=order)
    assert {row.consignment.vendor.slug for row in rows} == {"fowlers", "thistle"}
    assert {json.loads(bytes(row.body))["vendor"] for row in rows} == {"fowlers", "thistle"}
    with pytest.raises(IntegrityError):
        services.write_dispatches(order=order, now=timezone.now())


@pytest.mark.django_db(transaction=True)
def test_order_that_rolls_back_sends_nothing(vendor, place_order, route_to, scripted):
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})

    def fail():
        with transaction.atomic():
            place_order(vendor)
            raise RuntimeError("the payment's row could not be written")

    with pytest.raises(RuntimeError):
        fail()
    assert not Dispatch.objects.exists()
    drain()
    assert scripted.requests == []
    place_order(vendor)  # the control: without the failure it is sent
    drain()
    assert len(scripted.requests) == 1


@pytest.fixture(params=["refuses", "silent"])
def broker_gone(request, settings):
    """Nobody there, or somebody who takes connections and says nothing, as behind a firewall that drops."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
        silent = f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        settings.CELERY_BROKER_URL = DEAD if request.param == "refuses" else silent
        yield listener if request.param == "silent" else None


@pytest.mark.django_db(transaction=True)
def test_broker_gone_costs_the_checkout_nothing(broker_gone, vendor, place_order, route_to, scripted, monkeypatch):
    """The silent one is waited for longer than any page takes, until it hangs up."""
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    monkeypatch.setattr("vendors.nudge.SOCKET_SECONDS", 120)
    monkeypatch.setattr("vendors.nudge.CIRCUIT_OPEN_SECONDS", 3600)
    threads = []
    started = Nudge.__call__

    def noted(self, task):
        threads.append(started(self, task))
        return threads[-1]

    monkeypatch.setattr(Nudge, "__call__", noted)
    place_order(vendor)
    if broker_gone:
        assert threads[0].is_alive(), "the page waited for the broker"
        broker_gone.close()
    threads[0].join()
    place_order(vendor)
    assert threads[1:] == [None], "a broker that failed is left alone for a while"
    assert drain() == {"sent": 2}, "the next drain finds rows without a nudge"


def test_nudge_reaches_the_broker_without_facts(redis_client, settings, monkeypatch):
    monkeypatch.setattr("vendors.nudge.SOCKET_SECONDS", 60)  # a busy machine may take its time
    settings.CELERY_BROKER_URL = os.environ["REDIS_URL"]
    nudge(tasks.drain_outbox).join()
    (message,) = redis_client.lrange("dispatch", 0, -1)
    sent = json.loads(message)
    assert sent["headers"]["task"] == "shipping.drain_outbox"
    assert (sent["headers"]["argsrepr"], sent["headers"]["kwargsrepr"]) == ("()", "{}")


@pytest.mark.parametrize("change", [{"body": b"{}"}, {"key": "csg_other_r1"}, {"sha256": "0" * 64}, {"revision": 2}])
def test_what_was_promised_cannot_be_rewritten(change, vendor, place_order, dispatch_of):
    row = dispatch_of(place_order(vendor))
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        Dispatch.objects.filter(pk=row.pk).update(**change)
    Dispatch.objects.filter(pk=row.pk).update(reason="said")  # the control: the rest may change


def test_attempts_cannot_be_rewritten(vendor, place_order, route_to, scripted, dispatch_of):
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    row = dispatch_of(place_order(vendor))
    drain()
    with pytest.raises(IntegrityError, match="written once"):
        row.attempts.update(response="all was well")


@pytest.mark.parametrize("state", ["ready", "sending", "held", "sent"])
def test_live_dispatch_always_has_its_next_time(state, vendor, place_order, dispatch_of):
    row = dispatch_of(place_order(vendor))
    with pytest.raises(IntegrityError, match="live_has_next_at"):
        Dispatch.objects.filter(pk=row.pk).update(state=state, next_at=None)


def test_vendor_without_a_route_loses_nothing(vendor, place_order, route_to, scripted, dispatch_of):
    row = dispatch_of(place_order(vendor))
    assert (row.state, row.route) == ("held", None)
    assert drain() == {}
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    assert drain() == {"sent": 1}


def test_secrets_are_not_readable_at_rest(route_to, settings):
    route = route_to("http", {"url": "https://example.org/"}, {"secret": "whsec_abc"})
    assert "whsec" not in route.encrypted_secrets
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"
    assert route.secrets == {"secret": "whsec_abc"}


def test_lost_secret_key_holds_the_route(vendor, place_order, route_to, scripted, settings, dispatch_of):
    route = route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    order = place_order(vendor)
    settings.SECRET_KEY = "another"
    assert drain() == {"retry": 1}
    route.refresh_from_db()
    assert route.state == "held"
    assert "SECRET_KEY" in route.reason
    assert dispatch_of(order).state == "held"
    assert drain(now=timezone.now() + timedelta(days=9)) == {}, "a held route spends no attempts"
