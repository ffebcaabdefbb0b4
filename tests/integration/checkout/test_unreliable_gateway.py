"""The gateway that tests cut off: the sandbox while its line is sound; a cut call does nothing, a cut answer all."""

import pytest
from django.utils import timezone

from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeStatus
from cart.checkout.payments.gateways import get_gateway
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.prepare import prepare_order
from tests.support import unreliable_gateway
from tests.support.shop import add_goods, request_of, visitor_with

ADDRESSES = {"return_url": "/back/", "webhook_path": "/notice/"}


@pytest.fixture
def gateway(settings):
    settings.PAYMENT_GATEWAYS = {unreliable_gateway.NAME: unreliable_gateway.PATH}
    return get_gateway(unreliable_gateway.NAME)


@pytest.fixture
def payment(shop, gateway):
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    return prepare_order(visitor=visitor, user=None, checkout_request=request_of(visitor), now=timezone.now()).payment


def test_payments_begin_there(gateway, payment):
    assert payment.gateway == gateway.name


def test_sound_line_reaches_the_sandbox(gateway, payment, pay_with):
    gateway.start(payment, **ADDRESSES)
    pay_with(payment)
    assert gateway.fetch(payment).status is ChargeStatus.CAPTURED


def test_cut_call_reaches_nobody(gateway, payment):
    with unreliable_gateway.cut(answer=False), pytest.raises(PaymentError):
        gateway.start(payment, **ADDRESSES)
    assert not Charge.objects.exists()


def test_cut_answer_leaves_its_work_done(gateway, payment):
    with unreliable_gateway.cut(answer=True), pytest.raises(PaymentError):
        gateway.start(payment, **ADDRESSES)
    assert Charge.objects.get().reference == payment.reference
