"""The simulated company posts its notices to the mall; and no page waits for a broker that is away."""

import threading
import time

import httpx2
import pytest
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox import tasks
from cart.checkout.payments.sandbox.models import Charge
from cart.letters.models import Letter
from cart.orders.models import Order
from tests.support.shop import add_goods, begin, order_of, visitor_with
from vendors import task_queue
from vendors.nudge import nudge


@pytest.fixture
def payment(committed_shop):
    return begin(visitor_with(committed_shop, lamp=(add_goods(committed_shop, "amber", "Lamp"), 1)))


@pytest.fixture
def broker_away(settings, monkeypatch):
    """A broker that refuses connections, and a circuit that stays open as long as a test looks at it."""
    for thread in nudges():  # one that began before would find the broker away, and open the circuit
        thread.join()
    monkeypatch.setattr("vendors.nudge.CIRCUIT_OPEN_SECONDS", 3600.0)
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    nudge.circuit_open_until = 0.0
    yield
    for thread in nudges():
        thread.join()
    nudge.circuit_open_until = 0.0


def nudges() -> list[threading.Thread]:
    """The threads that try to reach the broker."""
    return [thread for thread in threading.enumerate() if thread.name == "nudge"]


def test_notice_is_posted_and_settles_the_order(payment, pay_with, live_server, settings):
    settings.SANDBOX_WEBHOOK_ORIGIN = live_server.url
    pay_with(payment)
    tasks.send_notice(Charge.objects.get().pk)
    assert order_of(payment).state == Order.State.PLACED
    assert Charge.objects.get().notified_at is not None


def test_notice_that_nobody_takes_is_an_error_to_be_repeated(payment, pay_with, settings):
    settings.SANDBOX_WEBHOOK_ORIGIN = "http://127.0.0.1:1"
    pay_with(payment)
    with pytest.raises(httpx2.HTTPError):
        tasks.post_notice(Charge.objects.get())


def test_order_is_placed_at_once_where_the_broker_is_away(payment, pay_with, broker_away, monkeypatch):
    """The broker is asked in the background alone: here nothing comes of that before the order is placed."""
    over, connect = threading.Event(), task_queue.connect
    monkeypatch.setattr(task_queue, "connect", lambda seconds: over.wait(60) and connect(seconds))
    pay_with(payment)
    before = set(nudges())
    assert finalise(payment=payment, now=timezone.now()).state == Order.State.PLACED
    assert set(nudges()) > before, "it is placed, and those that tell of it wait"
    over.set()
    assert Letter.objects.get().due_at is not None  # the sweep sends it


def test_broker_that_failed_opens_the_circuit_for_a_while(broker_away):
    nudge(tasks.send_notice, 1).join()
    assert nudge.circuit_open_until > time.monotonic()
    assert nudge(tasks.send_notice, 1) is None
