"""Payments have an owner: only one of a checkout is ever kept, and each has somebody who looks after it."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cart.backoff import delay_after
from cart.checkout.errors import AlreadyPaidError, PaymentError
from cart.checkout.finalise import finalise
from cart.checkout.looks import FIRST_DELAY, LONGEST_DELAY
from cart.checkout.payments.sandbox import services
from cart.checkout.payments.sandbox.gateway import Gateway
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.prepare import prepare_order
from cart.checkout.services import start_payment
from cart.checkout.sweeping import BATCH, claim_due_payments, sweep_checkouts
from cart.orders.models import Order, Payment
from tests.support.shop import add_goods, begin, later, order_of, put, request_of, set_tariff, visitor_with
from vendors.models import Stock


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=10)


@pytest.fixture
def visitor(shop, lamp):
    return visitor_with(shop, lamp=(lamp, 1))


def kept():
    """The charges that the payment company keeps."""
    return Charge.objects.filter(state=Charge.State.CAPTURED).count()


def press_pay(visitor, **changes):
    return start_payment(
        visitor=visitor, user=None, checkout_request=request_of(visitor, **changes), now=timezone.now()
    )


def test_payment_that_was_made_ends_the_checkout(visitor, pay_with):
    """Paid, the notice is late, the address is corrected, Pay again: one order, one charge."""
    request = request_of(visitor, line1="2 Quay Street")
    payment = begin(visitor)
    pay_with(payment)
    with pytest.raises(AlreadyPaidError) as paid:
        start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now())

    assert paid.value.order == order_of(payment)
    assert (Order.objects.count(), Charge.objects.count(), kept()) == (1, 1, 1)


def test_old_page_of_a_paid_checkout_asks_for_nothing_more(visitor, lamp, pay_with):
    """The notice was first, so the session still has the checkout; its cart is filled again, and the old page sent."""
    payment = begin(visitor)
    pay_with(payment)
    finalise(payment=payment, now=timezone.now())
    put(visitor, lamp)
    with pytest.raises(AlreadyPaidError) as paid:
        press_pay(visitor, line1="2 Quay Street")

    assert paid.value.order == order_of(payment)
    assert (Order.objects.count(), Charge.objects.count(), kept()) == (1, 1, 1)


def test_payment_in_another_browser_is_closed_before_anything_is_prepared(visitor, pay_with):
    """Else a kill between the two would leave a draft, and the next press would ask for the money again."""
    payment = begin(visitor, token="another browser")
    pay_with(payment)
    with pytest.raises(AlreadyPaidError) as paid:
        press_pay(visitor)

    assert paid.value.order == order_of(payment)
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)


def test_payment_page_that_was_left_is_followed_by_another(visitor, pay_with):
    """Left by its own button, and the browser never came back: the next press need not wait for the sweeper."""
    first = begin(visitor)
    services.abandon_charge(token=Charge.objects.get().token, now=timezone.now())
    second = begin(visitor)
    pay_with(second)

    assert finalise(payment=second, now=timezone.now()) == order_of(first)
    assert (order_of(first).state, kept()) == (Order.State.PLACED, 1)
    first.refresh_from_db()
    assert first.state == Payment.State.DECLINED


def test_superseded_payment_that_was_made_later_goes_back(visitor, pay_with):
    """The gateway forgot that it was cancelled: the money comes for a wish that is fulfilled."""
    first = begin(visitor)
    second = begin(visitor, line1="2 Quay Street")
    pay_with(second)
    finalise(payment=second, now=timezone.now())
    Charge.objects.filter(reference=first.reference).update(state=Charge.State.CAPTURED)
    Payment.objects.filter(pk=first.pk).update(state=Payment.State.STARTED)
    finalise(payment=first, now=timezone.now())

    first.refresh_from_db()
    assert first.state == Payment.State.REFUNDED
    assert (Order.objects.placed().get(), kept()) == (order_of(second), 1)


def test_open_draft_of_a_wish_that_was_paid_in_spite_of_all_asks_for_nothing_more(visitor):
    """The gateway took the money for the first charge, which it had called off; the second page is still open."""
    first = begin(visitor)
    request = request_of(visitor, line1="2 Quay Street")
    start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now())
    Charge.objects.filter(reference=first.reference).update(state=Charge.State.CAPTURED)
    first.refresh_from_db()
    finalise(payment=first, now=timezone.now())
    with pytest.raises(AlreadyPaidError) as paid:
        start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now())

    assert paid.value.order == order_of(first)
    assert (Payment.objects.count(), kept()) == (2, 1)


def test_database_keeps_one_placed_order_of_a_wish(visitor):
    first, second = order_of(begin(visitor)), order_of(begin(visitor, line1="2 Quay Street"))
    assert first.wish == second.wish
    Order.objects.filter(pk=first.pk).update(state=Order.State.PLACED)
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=second.pk).update(state=Order.State.PLACED)


def test_nothing_new_can_be_paid_while_the_old_payment_cannot_be_closed(visitor, monkeypatch):
    begin(visitor)

    def away(gateway, payment):
        raise PaymentError("No answer.", permanent=False)

    monkeypatch.setattr(Gateway, "cancel", away)
    with pytest.raises(PaymentError):
        press_pay(visitor, line1="2 Quay Street")
    assert (Order.objects.count(), Charge.objects.count()) == (1, 1)


def test_payment_that_was_never_started_ends(visitor):
    """The process was killed between the draft and the gateway: nobody can pay it, and it does not stay open."""
    prepared = prepare_order(visitor=visitor, user=None, checkout_request=request_of(visitor), now=timezone.now())
    assert not Charge.objects.exists()
    sweep_checkouts(now=later(minutes=16))

    prepared.payment.refresh_from_db()
    prepared.order.refresh_from_db()
    assert (prepared.payment.state, prepared.order.state) == (Payment.State.DECLINED, Order.State.EXPIRED)
    payment = Payment.objects.select_related("order__marketplace").get(pk=prepared.payment.pk)
    with pytest.raises(PaymentError, match="cancelled"):
        Gateway().start(payment, return_url="/", webhook_path="/")


def test_dead_payments_hold_up_no_other(shop, visitor, pay_with):
    """More payments that cannot be settled than one sweep looks at, all of them older than the one that was made."""
    order = order_of(begin(visitor))
    long_ago = timezone.now() - timedelta(days=1)
    Payment.objects.bulk_create(
        Payment(
            order=order, gateway="gone", reference=f"dead-{number}", amount=1, currency="EUR", next_look_at=long_ago
        )
        for number in range(BATCH + 20)
    )
    paid = begin(visitor_with(shop, lamp=(add_goods(shop, "amber", "Pot"), 1)))
    pay_with(paid)
    settled = [sweep_checkouts(now=later(seconds=31))["settled"], sweep_checkouts(now=later(seconds=32))["settled"]]

    assert order_of(paid).state == Order.State.PLACED
    assert settled == [0, 1]


def test_drafts_whose_payments_cannot_be_closed_hold_up_no_other(shop, lamp):
    """More lapsed drafts than one sweep looks at, all of them older, each with a payment at a gateway that is gone."""
    like = order_of(begin(visitor_with(shop, lamp=(lamp, 1))))
    stuck = Order.objects.bulk_create(
        Order(
            number=f"stuck-{number}", marketplace=like.marketplace, idempotency_key=f"stuck-{number}",
            currency="EUR", created_at=timezone.now() - timedelta(days=1),
        )
        for number in range(BATCH + 20)
    )  # fmt: skip
    Payment.objects.bulk_create(
        Payment(order=order, gateway="gone", reference=order.number, amount=0, currency="EUR") for order in stuck
    )
    for minutes in (16, 17):
        sweep_checkouts(now=later(minutes=minutes))

    like.refresh_from_db()
    assert like.state == Order.State.EXPIRED


def test_hold_that_is_renewed_begins_the_wait_anew(visitor):
    payment = begin(visitor)
    claim_due_payments(later(minutes=1))
    begin(visitor)

    payment.refresh_from_db()
    assert payment.looks == 0
    assert claim_due_payments(later(seconds=31)) == [payment]


def test_look_is_a_lease_and_comes_later_each_time(visitor):
    payment = begin(visitor)
    now = later(minutes=1)
    assert claim_due_payments(now) == [payment]
    assert claim_due_payments(now) == []
    assert claim_due_payments(now + FIRST_DELAY) == [payment]
    assert claim_due_payments(now + FIRST_DELAY * 2) == []
    assert [delay_after(looks, first=FIRST_DELAY, longest=LONGEST_DELAY) for looks in (1, 2, 3, 50)] == [
        timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2), LONGEST_DELAY,
    ]  # fmt: skip


def test_sweep_counts_what_it_changed(visitor):
    begin(visitor)
    assert not any(sweep_checkouts(now=later(minutes=1)).values())


def test_total_of_nothing_is_placed_without_a_gateway(shop):
    set_tariff(shop.vendors["amber"], standard_charge=0)
    gift = add_goods(shop, "amber", "Leaflet", on_hand=3)
    gift.sale_price = 0
    gift.save()
    visitor = visitor_with(shop, gift=(gift, 2))

    assert press_pay(visitor) is None
    order = Order.objects.get()
    assert (order.state, order.total) == (Order.State.PLACED, 0)
    assert not Payment.objects.exists()
    assert not Charge.objects.exists()
    assert Stock.objects.get(pk=gift.pk).on_hand == 1


def test_expired_draft_begins_anew_under_the_same_wish(visitor, pay_with):
    first = begin(visitor)
    sweep_checkouts(now=later(minutes=16))
    second = begin(visitor)

    assert order_of(first).state == Order.State.EXPIRED
    assert (order_of(second).wish, order_of(second).state) == (order_of(first).wish, Order.State.DRAFT)
