"""The contract of a payment gateway, kept by both: the sandbox, and the transfers that people mark as paid."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeStatus, RefundStatus
from cart.checkout.payments.gateways import get_gateway, offered_gateways
from cart.checkout.payments.manual import services as transfers
from cart.checkout.payments.sandbox import services as sandbox
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.prepare import prepare_order
from tests.support.shop import add_goods, request_of, visitor_with

GATEWAYS = ("sandbox", "manual")
ADDRESSES = {"return_url": "/back/", "webhook_path": "/notice/"}


def pay_by_card(payment):
    charge = Charge.objects.get(reference=payment.reference)
    sandbox.charge_card(token=charge.token, behaviour=CardBehaviour.PAYS, now=timezone.now())


def pay_by_transfer(payment):
    transfers.receive_transfer(reference=payment.reference, user=None, now=timezone.now())


def make_back_transfer(key):
    transfers.make_back_transfer(key=key, user=None, now=timezone.now())


PAY = {"sandbox": pay_by_card, "manual": pay_by_transfer}
FINISH_REFUND = {"sandbox": lambda key: None, "manual": make_back_transfer}  # what people do for it


@pytest.fixture(params=GATEWAYS)
def gateway(request):
    return get_gateway(request.param)


@pytest.fixture
def payment(shop, gateway):
    """A payment of 14.50 that is prepared, and not started."""
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    prepared = prepare_order(visitor=visitor, user=None, checkout_request=request_of(visitor), now=timezone.now())
    prepared.payment.gateway = gateway.name
    prepared.payment.save()
    return prepared.payment


@pytest.fixture
def paid(payment, gateway):
    gateway.start(payment, **ADDRESSES)
    PAY[gateway.name](payment)
    return payment


def status(gateway, payment):
    return gateway.fetch(payment).status


def refund(gateway, payment, amount, key):
    """Refund an amount, with the help of people where it needs them."""
    first = gateway.refund(payment, amount=amount, key=key)
    FINISH_REFUND[gateway.name](key)
    return first, gateway.refund(payment, amount=amount, key=key)


def test_charge_begins_once_and_is_captured(gateway, payment):
    assert status(gateway, payment) is ChargeStatus.PENDING
    first, second = (gateway.start(payment, **ADDRESSES).partition("/status/")[0] for _ in range(2))
    assert first == second
    assert status(gateway, payment) is ChargeStatus.PENDING
    PAY[gateway.name](payment)
    result = gateway.fetch(payment)
    assert (result.status, result.amount, result.currency) == (ChargeStatus.CAPTURED, 1450, "EUR")


def test_cancelled_charge_is_never_started(gateway, payment):
    assert gateway.cancel(payment).status is ChargeStatus.DECLINED
    assert gateway.cancel(payment).is_final
    with pytest.raises(PaymentError, match="cancelled"):
        gateway.start(payment, **ADDRESSES)


def test_paid_charge_cannot_be_cancelled(gateway, paid):
    assert gateway.cancel(paid).status is ChargeStatus.CAPTURED
    assert status(gateway, paid) is ChargeStatus.CAPTURED


def test_refund_in_part_is_made_once_for_each_key(gateway, paid):
    for key in ("first", "first", "second"):
        assert refund(gateway, paid, 400, key)[1] is RefundStatus.MADE
    assert status(gateway, paid) is ChargeStatus.CAPTURED
    with pytest.raises(PaymentError) as refused:
        gateway.refund(paid, amount=651, key="too much")
    assert refused.value.permanent
    assert refund(gateway, paid, 650, "rest")[1] is RefundStatus.MADE
    assert status(gateway, paid) is ChargeStatus.REFUNDED


def test_refund_of_nothing_paid_is_refused_for_good(gateway, payment):
    for begin in (lambda: None, lambda: gateway.start(payment, **ADDRESSES)):
        begin()
        with pytest.raises(PaymentError) as refused:
            gateway.refund(payment, amount=1, key="x")
        assert refused.value.permanent


def test_list_of_charges_has_what_was_captured(gateway, paid):
    now = timezone.now()
    (report,) = gateway.captured_since(now - timedelta(minutes=1))
    assert (report.reference, report.result) == (paid.reference, gateway.fetch(paid))
    assert list(gateway.captured_since(now + timedelta(minutes=1))) == []
    refund(gateway, paid, 50, "part")
    assert len(list(gateway.captured_since(now - timedelta(minutes=1)))) == 1
    refund(gateway, paid, 1400, "rest")
    assert list(gateway.captured_since(now - timedelta(minutes=1))) == []


def test_return_and_notice_that_nobody_signed_are_refused_for_good(gateway):
    for call in (lambda: gateway.read_return({"reference": "x"}), lambda: gateway.read_webhook({}, b"{}")):
        with pytest.raises(PaymentError) as refused:
            call()
        assert refused.value.permanent


def test_transfer_back_waits_for_people(shop, db):
    gateway = get_gateway("manual")
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    payment = prepare_order(
        visitor=visitor, user=None, checkout_request=request_of(visitor), now=timezone.now()
    ).payment
    gateway.start(payment, **ADDRESSES)
    pay_by_transfer(payment)
    assert refund(gateway, payment, 400, "x") == (RefundStatus.PENDING, RefundStatus.MADE)


def test_decline_says_whether_it_is_final(shop):
    gateway = get_gateway("sandbox")
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    payment = prepare_order(
        visitor=visitor, user=None, checkout_request=request_of(visitor), now=timezone.now()
    ).payment
    gateway.start(payment, **ADDRESSES)
    token, now = Charge.objects.get().token, timezone.now()
    sandbox.charge_card(token=token, behaviour=CardBehaviour.EMPTY, now=now)
    first = gateway.fetch(payment)
    sandbox.charge_card(token=token, behaviour=CardBehaviour.DECLINED, now=now)
    second = gateway.fetch(payment)
    assert [(each.status, each.is_final) for each in (first, second)] == [
        (ChargeStatus.DECLINED, False), (ChargeStatus.DECLINED, True),
    ]  # fmt: skip


def test_transfers_are_offered_where_the_marketplace_has_an_account(shop):
    assert [each.name for each in offered_gateways(shop.marketplace)] == ["sandbox"]
    shop.marketplace.bank_account = "The Arcade, IE29 AIBK 9311 5212 3456 78"
    assert [each.name for each in offered_gateways(shop.marketplace)] == ["sandbox", "manual"]
