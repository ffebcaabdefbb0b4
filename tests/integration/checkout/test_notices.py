"""The pretend company tells the mall by a real POST; and nobody's page waits for a broker that is away."""

import httpx2
import pytest
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox import tasks
from cart.checkout.payments.sandbox.models import Charge
from cart.orders.models import Order
from mall.celery import app
from tests.shop import add_goods, begin, order_of, visitor_with


@pytest.fixture
def payment(committed_shop):
    return begin(visitor_with(committed_shop, lamp=(add_goods(committed_shop, "amber", "Lamp"), 1)))


@pytest.fixture
def broker_away(monkeypatch):
    """Celery with a broker that refuses connections."""
    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app.conf, "broker_read_url", None)
    monkeypatch.setattr(app.conf, "broker_write_url", None)
    app.amqp._producer_pool = None
    app.pool.force_close_all()
    app._pool = None
    yield
    app.amqp._producer_pool = None
    app._pool = None


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


def test_order_is_placed_where_the_broker_is_away(payment, pay_with, broker_away):
    pay_with(payment)
    begun = timezone.now()
    assert finalise(payment=payment, now=begun).state == Order.State.PLACED
    assert order_of(payment).mail_due_at is not None  # the sweep sends it
