"""Many presses at once, each on a connection of its own: one cancellation, one movement, one refund."""

import threading

import pytest
from django.db import connection
from django.utils import timezone

from cart.aftersale import contact
from cart.aftersale.cancelling import cancel_lines
from cart.aftersale.errors import NotCancellableError
from cart.aftersale.models import Cancellation
from cart.checkout.payments.sandbox.models import ChargeRefund
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Consignment, Order, Refund
from cart.orders.packing import StaleConsignmentError, transition_consignment
from cart.orders.signals import contact_changed
from tests.integration.aftersale.conftest import make_sale
from tests.integration.checkout.test_races import at_once
from tests.support.shop import later

PRESSES = 6


@pytest.fixture
def committed_sale(committed_shop, pay_with):
    return make_sale(committed_shop, pay_with)


def cancel(sale, key, pieces):
    return cancel_lines(order_id=sale.order.pk, pieces=pieces, key=key, why="w", now=timezone.now())


def test_each_piece_goes_back_once(committed_sale):
    """The same press six times, six presses for the last three lamps, and six sweepers."""
    sale, one = committed_sale, committed_sale.pieces(vase=1)
    same = at_once(PRESSES, lambda _: cancel(sale, "same", one).pk)
    assert len(set(same)) == 1
    lamp = sale.pieces(lamp=1)
    others = at_once(PRESSES, lambda number: cancel(sale, f"other-{number}", lamp))
    assert sum(isinstance(answer, NotCancellableError) for answer in others) == PRESSES - 3
    at_once(PRESSES, lambda _: sweep_checkouts(now=later(seconds=1)))

    assert Cancellation.objects.count() == 4
    assert sorted(ChargeRefund.objects.values_list("amount", flat=True)) == [700, 1000, 1000, 1000]
    assert set(Refund.objects.values_list("state", flat=True)) == {Refund.State.MADE}
    assert (sale.on_hand("lamp"), sale.on_hand("vase")) == (10, 9)


def test_goods_are_either_sent_or_cancelled(committed_sale):
    sale = committed_sale
    basalt, pieces = sale.consignment("basalt"), sale.pieces(vase=2)

    def send():
        transition_consignment(consignment_id=basalt.pk, to=Consignment.State.SENT, now=timezone.now())

    answers = at_once(2, lambda number: send() if number else cancel(sale, "k", pieces))
    failed = [answer for answer in answers if isinstance(answer, NotCancellableError | StaleConsignmentError)]
    assert len(failed) == 1
    is_sent = sale.consignment("basalt").state == Consignment.State.SENT
    assert (Refund.objects.count(), sale.on_hand("vase")) == ((0, 8) if is_sent else (1, 10))


def test_parcel_is_not_packed_while_its_address_changes(committed_sale):
    """Who packs it waits, and reads the new address."""
    sale, seen = committed_sale, {}

    def pack():
        amber = sale.consignment("amber")
        transition_consignment(consignment_id=amber.pk, to=Consignment.State.PACKED, now=timezone.now())
        seen["line1"] = Order.objects.get(pk=sale.order.pk).line1
        connection.close()

    packer = threading.Thread(target=pack)

    def on_change(**_):
        packer.start()
        packer.join(timeout=0.5)

    contact_changed.connect(on_change)
    try:
        contact.change_contact(
            order_id=sale.order.pk, seen=contact.fingerprint(sale.order), wanted={"line1": "9 Far Street"}, key="k",
            author=contact.Author(contact.By.SHOPPER), now=timezone.now(),
        )  # fmt: skip
    finally:
        contact_changed.disconnect(on_change)
        packer.join()
    assert seen["line1"] == "9 Far Street"
