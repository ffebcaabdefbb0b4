"""An order by bank transfer: taken down at once, its goods kept for days, sent once people mark it as paid."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cart.aftersale.cancelling import cancel_order
from cart.aftersale.transfers import mark_paid, mark_transferred_back
from cart.checkout.errors import AwaitedPaymentsError
from cart.checkout.payments.manual.models import BackTransfer, Transfer
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.letters.models import Letter
from cart.letters.sending import send_due_letters
from cart.models import Line
from cart.orders.models import Order, Payment
from tests.support.shop import MASTER, add_goods, begin, later, order_of, put, put_on_hand, request_of, visitor_with
from vendors import stock

DAYS = timedelta(days=7)


@pytest.fixture
def lamp(shop):
    shop.marketplace.bank_account = "The Arcade\nIE29 AIBK 9311 5212 3456 78"
    shop.marketplace.save()
    return add_goods(shop, "amber", "Lamp", on_hand=1)


@pytest.fixture
def visitor(shop, lamp):
    return visitor_with(shop, lamp=(lamp, 1))


def order_by_transfer(visitor, request=None):
    request = replace(request or request_of(visitor), gateway="manual")
    url = start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now())
    order = Order.objects.get(idempotency_key=request.order_key)
    return order, url


def paid(order, now=None):
    payment = order.payments.get()
    return mark_paid(reference=payment.reference, user=None, now=now or timezone.now())


def kinds():
    return list(Letter.objects.order_by("pk").values_list("kind", flat=True))


def test_order_is_taken_down_and_says_what_to_transfer_and_until_when(visitor, lamp):
    order, url = order_by_transfer(visitor)
    assert order.is_to_pay
    assert not Line.objects.exists()
    assert stock.available([lamp.pk], later(days=6)) == {lamp.pk: 0}
    assert stock.available([lamp.pk], later(days=8)) == {lamp.pk: 1}
    assert abs(order.pay_by - timezone.now() - DAYS) < timedelta(minutes=1)

    page = Client(headers={"host": MASTER}).get(url).content.decode()
    send_due_letters()
    for text in (page, mail.outbox[0].body):
        assert "€14.50" in text
        assert order.number in text
        assert "IE29 AIBK 9311 5212 3456 78" in text
        assert timezone.localtime(order.pay_by).strftime("%H:%M") in text
    sweep_checkouts(now=later(days=6))
    assert Order.objects.get().is_to_pay


def test_order_is_placed_once_when_it_is_marked_as_paid(visitor, lamp):
    order, _ = order_by_transfer(visitor)
    with_more = put(visitor, lamp) if stock.available([lamp.pk], timezone.now())[lamp.pk] else None
    assert with_more is None
    for _ in range(2):
        assert paid(order).state == Order.State.PLACED
    assert (kinds(), lamp.stock.movements.filter(kind="sale").count()) == (["to_pay", "placed"], 1)


def test_pieces_that_were_added_since_stay_in_the_cart(visitor, lamp):
    put_on_hand(lamp, 5)
    order, _ = order_by_transfer(visitor)
    put(visitor, lamp)
    paid(order)
    assert Line.objects.get().quantity == 1


def test_next_order_supersedes_nothing(visitor, lamp, pay_with):
    """The cart is used again, by the same checkout session: both orders stand."""
    put_on_hand(lamp, 5)
    first, _ = order_by_transfer(visitor)
    put(visitor, lamp, 2)
    second = begin(visitor)
    pay_with(second)
    sweep_checkouts(now=later(seconds=31))
    assert order_of(second).state == Order.State.PLACED
    first.refresh_from_db()
    assert first.is_to_pay
    assert paid(first).state == Order.State.PLACED


def test_second_press_leads_to_the_same_order(visitor):
    request = request_of(visitor)
    first, second = order_by_transfer(visitor, request), order_by_transfer(visitor, request)
    assert first[0] == second[0]
    assert (Order.objects.count(), Transfer.objects.count(), kinds()) == (1, 1, ["to_pay"])


def test_card_that_was_begun_before_is_closed(visitor):
    payment = begin(visitor)
    order, _ = order_by_transfer(visitor)
    payment.refresh_from_db()
    assert (payment.order, payment.state) == (order, Payment.State.DECLINED)
    assert Charge.objects.get().state == Charge.State.CANCELLED
    assert paid_of(order) == ["manual"]


def paid_of(order):
    return list(order.payments.filter(state=Payment.State.STARTED).values_list("gateway", flat=True))


def test_order_that_is_not_paid_expires_with_a_letter(visitor, lamp):
    order, _ = order_by_transfer(visitor)
    for minutes in (1, 70):
        sweep_checkouts(now=later(days=7, minutes=minutes))
    order.refresh_from_db()
    assert (order.state, kinds()) == (Order.State.EXPIRED, ["to_pay", "payment_expired"])
    assert Transfer.objects.get().state == Transfer.State.CANCELLED
    assert stock.available([lamp.pk], timezone.now()) == {lamp.pk: 1}


def test_late_transfer_is_placed_where_the_goods_are_still_there(visitor):
    order, _ = order_by_transfer(visitor)
    sweep_checkouts(now=later(days=7, minutes=1))
    assert paid(order, later(days=8)).state == Order.State.PLACED


def test_late_transfer_goes_back_where_they_are_gone(visitor, lamp):
    order, _ = order_by_transfer(visitor)
    sweep_checkouts(now=later(days=7, minutes=1))
    put_on_hand(lamp, 0)
    assert paid(order).state == Order.State.CANCELLED
    payment = order.payments.get()
    assert payment.state == Payment.State.REFUND_DUE
    back = BackTransfer.objects.get()
    mark_transferred_back(key=back.key, user=None, now=timezone.now())
    payment.refresh_from_db()
    assert payment.state == Payment.State.REFUNDED
    assert kinds() == ["to_pay", "payment_expired", "not_placed", "refunded"]


def test_order_is_cancelled_before_it_is_paid(visitor, lamp):
    order, _ = order_by_transfer(visitor)
    cancel_order(order_id=order.pk, key="k", why="Ordered twice", now=timezone.now())
    sweep_checkouts(now=later(minutes=2))
    order.refresh_from_db()
    assert (order.state, order.payments.get().state) == (Order.State.CANCELLED, Payment.State.DECLINED)
    assert stock.available([lamp.pk], timezone.now()) == {lamp.pk: 1}
    assert kinds() == ["to_pay", "cancelled_goods"]
    paid(order)  # the transfer was on its way
    assert order.payments.get().state == Payment.State.REFUND_DUE


def test_charge_of_a_declined_payment_is_found_by_the_sweeper(visitor, pay_with):
    """The gateway said declined for good, and took the money all the same."""
    payment = begin(visitor)
    pay_with(payment)
    Payment.objects.update(state=Payment.State.DECLINED)
    assert sweep_checkouts(now=later(minutes=1))["recovered"] == 1
    assert order_of(payment).state == Order.State.PLACED


def test_transfers_of_shoppers_who_never_paid_keep_a_share_over_all_networks(shop, settings):
    """Such a hold lasts for days and costs nothing: ten visitors of ten networks get a fifth, not all."""
    lamp = add_goods(shop, "amber", "Lamp", on_hand=100)
    kept = 0
    for number in range(10):
        request = replace(request_of(visitor := visitor_with(shop, lamp=(lamp, 10))), gateway="manual")
        try:
            start_payment(
                visitor=visitor, user=None, checkout_request=request, now=timezone.now(), network=f"network {number}"
            )
            kept += 10
        except AwaitedPaymentsError:
            assert not Order.objects.filter(visitor=visitor).exists()
    assert kept == 20
    assert stock.available([lamp.pk], timezone.now()) == {lamp.pk: 80}

    settings.CHECKOUT_LIMITS = None  # the control
    request = replace(request_of(visitor := visitor_with(shop, lamp=(lamp, 80))), gateway="manual")
    start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now(), network="network 11")
    assert stock.available([lamp.pk], timezone.now()) == {lamp.pk: 0}
