"""Goods are cancelled by line, consignment or order: stock, dispatch, money and letter together, each once."""

import json

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from cart.aftersale.cancelling import cancel_as_shopper, cancel_consignment, cancel_lines, cancel_order
from cart.aftersale.errors import NotCancellableError
from cart.aftersale.models import Cancellation
from cart.aftersale.refunding import refund_amount
from cart.checkout.payments.sandbox.models import Charge, ChargeRefund
from cart.checkout.refunding import make_refund
from cart.checkout.sweeping import sweep_checkouts
from cart.letters.models import Letter
from cart.orders import refunds
from cart.orders.models import Consignment, Order, Payment, Refund
from cart.orders.packing import transition_consignment
from cart.orders.signals import goods_cancelled
from shipping.models import Dispatch
from shipping.states import State
from tests.integration.aftersale.conftest import make_sale
from tests.support import unreliable_gateway
from tests.support.shop import MASTER, later
from vendors.models import StockMovement

SAID = {"why": "Broken on the shelf"}


def cancel(sale, key="k", **pieces):
    return cancel_lines(order_id=sale.order.pk, pieces=sale.pieces(**pieces), key=key, now=timezone.now(), **SAID)


def given_back():
    return sorted(ChargeRefund.objects.values_list("amount", flat=True))


def letters(kind):
    return list(Letter.objects.filter(kind=kind).order_by("pk").values_list("facts__amount", flat=True))


def test_pieces_of_a_line_are_cancelled_once(sale):
    first, second = cancel(sale, lamp=2), cancel(sale, lamp=2)
    assert first == second
    line = sale.line("lamp")
    assert (line.quantity, line.cancelled, line.kept) == (3, 2, 1)
    assert sale.on_hand("lamp") == 9
    assert (first.refund.amount, first.refund.state) == (2000, Refund.State.DUE)
    assert sale.reload().state == Order.State.PLACED
    assert letters("cancelled_goods") == [2000]

    assert [sweep_checkouts(now=later(seconds=1))["given_back"] for _ in range(2)] == [1, 0]
    assert given_back() == [2000]
    assert letters("refunded") == [2000]
    sale.reload()
    assert (sale.payment.state, sale.payment.refund_total) == (Payment.State.CAPTURED, 2000)


def test_last_pieces_bring_the_delivery_charge_back_and_end_the_consignment(sale):
    cancel(sale, "a", lamp=3)
    assert sale.consignment("amber").state == Consignment.State.OPEN
    last = cancel(sale, "b", shade=1)
    assert last.refund.amount == 501 + 450
    assert sale.consignment("amber").state == Consignment.State.CANCELLED
    assert sale.reload().state == Order.State.PLACED


def test_whole_order_ends_with_the_whole_amount(sale):
    cancellation = cancel_order(order_id=sale.order.pk, key="all", now=timezone.now(), **SAID)
    again = cancel_order(order_id=sale.order.pk, key="all", now=timezone.now(), **SAID)
    sweep_checkouts(now=later(seconds=1))

    assert again == cancellation
    order = sale.reload()
    assert (order.state, order.remark) == (Order.State.CANCELLED, "Broken on the shelf")
    assert given_back() == [order.total]
    assert sale.payment.state == Payment.State.REFUNDED
    assert Charge.objects.get().state == Charge.State.REFUNDED
    assert set(order.consignments.values_list("state", flat=True)) == {Consignment.State.CANCELLED}
    assert [sale.on_hand(name) for name in ("lamp", "shade", "vase")] == [10, 10, 10]
    assert order.total == sum(each.total for each in order.consignments.all())  # what was agreed stays written


def test_consignment_of_one_shop(sale):
    cancel_consignment(consignment_id=sale.consignment("basalt").pk, key="x", now=timezone.now(), **SAID)
    assert Refund.objects.get().amount == 1400 + 300
    assert sale.consignment("amber").state == Consignment.State.OPEN
    assert StockMovement.objects.get(kind="return").why == "Cancelled: Broken on the shelf"


def test_status_page_says_what_was_cancelled_and_goes_back(sale):
    client = Client(headers={"host": MASTER})

    def page():
        return " ".join(client.get(sale.order.get_absolute_url()).content.decode().split())

    cancel(sale, lamp=2)
    assert "2 cancelled" in page()
    assert "€20.00" in page()
    cancel_order(order_id=sale.order.pk, key="all", now=timezone.now(), **SAID)
    for _ in range(2):
        text = page()
        assert "This order was cancelled" in text
        assert "Broken on the shelf" in text
        assert "othing was charged" not in text
        sweep_checkouts(now=later(seconds=1))


@pytest.mark.parametrize("pieces", [{"lamp": 4}, {"lamp": 0}, {}])
def test_what_was_not_ordered_cannot_be_cancelled(sale, pieces):
    with pytest.raises(NotCancellableError):
        cancel(sale, **pieces)
    assert not Cancellation.objects.exists()


def test_sent_goods_cannot_be_cancelled(sale):
    amber = sale.consignment("amber")
    transition_consignment(consignment_id=amber.pk, to=Consignment.State.SENT, now=timezone.now())
    with pytest.raises(NotCancellableError, match="on its way"):
        cancel(sale, lamp=1)
    assert sale.on_hand("lamp") == 7
    assert not Refund.objects.exists()
    cancel_order(order_id=sale.order.pk, key="rest", now=timezone.now(), **SAID)
    assert Refund.objects.get().amount == 1700
    assert sale.reload().state == Order.State.PLACED


def test_shopper_cancels_until_it_is_packed(sale):
    def press(key, **pieces):
        cancel_as_shopper(order_id=sale.order.pk, pieces=sale.pieces(**pieces), key=key, now=timezone.now())

    press("a", vase=1)
    transition_consignment(
        consignment_id=sale.consignment("basalt").pk, to=Consignment.State.PACKED, now=timezone.now()
    )
    with pytest.raises(NotCancellableError, match="packed"):
        press("b", vase=1)
    cancel(sale, "c", vase=1)  # staff may


def test_receiver_that_fails_undoes_everything(sale):
    def refuse(**_):
        raise RuntimeError("no dispatch")

    goods_cancelled.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            cancel(sale, lamp=1)
    finally:
        goods_cancelled.disconnect(refuse)
    assert (sale.on_hand("lamp"), sale.line("lamp").cancelled, Refund.objects.count()) == (7, 0, 0)


# Dispatches


def dispatches(sale, vendor):
    return list(Dispatch.objects.filter(consignment=sale.consignment(vendor)).order_by("revision"))


def test_dispatch_that_is_not_leased_is_cancelled(sale):
    cancel_consignment(consignment_id=sale.consignment("amber").pk, key="x", now=timezone.now(), **SAID)
    assert [each.state for each in dispatches(sale, "amber")] == [State.CANCELLED]
    assert [each.state for each in dispatches(sale, "basalt")] == [State.HELD]


def test_what_is_kept_of_it_goes_as_the_next_revision(sale):
    cancel(sale, lamp=1, shade=1)
    old, new = dispatches(sale, "amber")
    assert (old.state, new.state, new.revision, new.action) == (State.CANCELLED, State.HELD, 2, "ship")
    assert new.key == old.key.replace("_r1", "_r2")
    assert [(item["name"], item["quantity"]) for item in json.loads(bytes(new.body))["lines"]] == [("Lamp", 2)]


@pytest.mark.parametrize("state", [State.SENDING, State.SENT, State.ACKED, State.HELD, State.DEAD])
@pytest.mark.parametrize(("pieces", "action"), [({"lamp": 1}, "amend"), ({"lamp": 3, "shade": 1}, "cancel")])
def test_department_that_may_have_it_is_sent_a_revision(pieces, action, state, sale):
    now = timezone.now()
    Dispatch.objects.update(state=state, fence=1, acked_at=now, next_at=now)
    cancel(sale, **pieces)
    old, new = dispatches(sale, "amber")
    assert old.state == (State.ACKED if state == State.ACKED else State.CANCELLED)
    assert (new.action, new.state, new.revision, new.acked_at) == (action, State.HELD, 2, None)
    content = json.loads(bytes(new.body))
    goods = [(item["name"], item["quantity"]) for item in content["lines"]]
    assert (content["action"], goods) == (action, [("Lamp", 2), ("Shade", 1)] if action == "amend" else [])


# Money without goods


def give_back(sale, amount, key="k", **more):
    return refund_amount(order_id=sale.order.pk, amount=amount, key=key, now=timezone.now(), **SAID, **more)


def test_amount_is_split_over_lines_and_delivery_to_the_penny(sale):
    refund = give_back(sale, 100)
    assert give_back(sale, 100) == refund
    parts = {
        (part.line.name if part.line else part.consignment.vendor.slug): part.amount for part in refund.parts.all()
    }
    assert parts == {"Lamp": 53, "Shade": 9, "amber": 8, "Vase": 25, "basalt": 5}
    one = give_back(sale, 1000, "one", consignment_id=sale.consignment("basalt").pk)
    assert {part.consignment.vendor.slug for part in one.parts.all()} == {"basalt"}


def test_refunds_never_exceed_what_was_paid(sale):
    give_back(sale, 5000)
    with pytest.raises(refunds.RefundError):
        give_back(sale, 652, "more")
    cancel_order(order_id=sale.order.pk, key="all", now=timezone.now(), **SAID)
    sweep_checkouts(now=later(seconds=1))
    assert sum(given_back()) == sale.order.total
    with pytest.raises(IntegrityError, match="refunds_within_amount"), transaction.atomic():
        Payment.objects.update(refund_total=sale.order.total + 1)


@pytest.fixture
def sale_over_a_line(settings, shop, pay_with):
    """A sale whose payment company can be cut off."""
    settings.PAYMENT_GATEWAYS = {unreliable_gateway.NAME: unreliable_gateway.PATH}
    return make_sale(shop, pay_with)


def test_gateway_that_is_away_is_asked_again(sale_over_a_line):
    give_back(sale_over_a_line, 500)
    with unreliable_gateway.cut(answer=False):
        assert sweep_checkouts(now=later(seconds=1))["given_back"] == 0
    assert given_back() == []
    assert sweep_checkouts(now=later(seconds=20))["given_back"] == 0  # not yet again
    assert sweep_checkouts(now=later(seconds=40))["given_back"] == 1
    assert given_back() == [500]


def test_refund_whose_answer_is_lost_is_made_once(sale_over_a_line):
    refund = give_back(sale_over_a_line, 500)
    with unreliable_gateway.cut(answer=True):
        assert not make_refund(refund, timezone.now())
    assert given_back() == [500]
    assert Refund.objects.get().state == Refund.State.DUE
    assert sweep_checkouts(now=later(seconds=1))["given_back"] == 1
    assert given_back() == [500]
    assert Refund.objects.get().state == Refund.State.MADE
