import pytest
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.sweeping import sweep_checkouts
from cart.models import Cart, Line
from cart.orders.models import Consignment, Order, Payment
from cart.orders.signals import order_finalising, order_placed
from cart.services import change_quantity
from sessions_farm.communities.visitors.merging import merge_visitors
from tests.support.shop import add_goods, begin, later, order_of, put, put_on_hand, visitor_with
from vendors import stock
from vendors.models import Stock, StockHold

pytestmark = pytest.mark.django_db


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=3)


@pytest.fixture
def heard():
    """The signals of placed orders, in the order in which they came."""
    log = []

    def joining(*, order, now, **_):
        log.append(("finalising", order.state, Order.objects.get(pk=order.pk).state))

    def placed(*, order, **_):
        log.append(("placed", order.state))

    order_finalising.connect(joining)
    order_placed.connect(placed)
    yield log
    order_finalising.disconnect(joining)
    order_placed.disconnect(placed)


def settle(payment, now=None):
    return finalise(payment=payment, now=now or timezone.now())


def charge_of(payment) -> Charge:
    return Charge.objects.get(reference=payment.reference)


def test_paid_order_is_placed_once(shop, lamp, pay_with, heard, django_capture_on_commit_callbacks):
    visitor = visitor_with(shop, lamp=(lamp, 2))
    payment = begin(visitor)
    pay_with(payment)
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(3):
            order = settle(payment)
    assert order.state == Order.State.PLACED
    assert set(order.consignments.values_list("state", flat=True)) == {Consignment.State.OPEN}
    assert Stock.objects.get(pk=lamp.pk).on_hand == 1
    assert not StockHold.objects.exists()
    assert not Line.objects.exists()
    assert Payment.objects.get().state == Payment.State.CAPTURED
    assert heard == [("finalising", "placed", "placed"), ("placed", "placed")]


def test_payment_that_is_still_open_changes_nothing(shop, lamp):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    assert settle(payment).state == Order.State.DRAFT


def test_declined_card_leaves_the_draft_for_another(shop, lamp, pay_with):
    visitor = visitor_with(shop, lamp=(lamp, 1))
    first = begin(visitor)
    pay_with(first, CardBehaviour.DECLINED)
    assert settle(first).state == Order.State.DRAFT
    second = begin(visitor)
    assert second.order_id == first.order_id
    assert second.reference != first.reference
    pay_with(second)
    assert settle(second).state == Order.State.PLACED


def test_lines_that_were_added_while_paying_stay_in_the_cart(shop, lamp, pay_with):
    visitor = visitor_with(shop, lamp=(lamp, 1))
    payment = begin(visitor)
    put(visitor, lamp, 1)
    put(visitor, add_goods(shop, "basalt", "Vase"), 1)
    pay_with(payment)
    settle(payment)
    assert list(Line.objects.values_list("variant__product__name", "quantity")) == [("Lamp", 1), ("Vase", 1)]


def test_receiver_that_fails_rolls_the_order_back(shop, lamp, pay_with):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(payment)

    def refuse(**_):
        raise RuntimeError("no dispatch row")

    order_finalising.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            settle(payment)
    finally:
        order_finalising.disconnect(refuse)
    assert order_of(payment).state == Order.State.DRAFT
    assert Stock.objects.get(pk=lamp.pk).on_hand == 3
    assert settle(payment).state == Order.State.PLACED


def test_paid_after_the_hold_lapsed_still_gets_free_goods(shop, lamp, pay_with):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(payment)
    assert settle(payment, later(minutes=30)).state == Order.State.PLACED


def test_paid_after_others_took_the_goods_is_refunded_in_plain_words(shop, pay_with):
    lamp = add_goods(shop, "amber", "Lantern", on_hand=1)
    late = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(late)
    put_on_hand(lamp, 0)
    order = settle(late)
    assert order.state == Order.State.CANCELLED
    assert "Sold out" in order.remark
    assert charge_of(late).state == Charge.State.REFUNDED
    late.refresh_from_db()
    assert late.state == Payment.State.REFUNDED
    assert Line.objects.count() == 1  # the cart is as it was


def test_lapsed_hold_comes_after_the_live_holds_of_others(shop, pay_with):
    lamp = add_goods(shop, "amber", "Lantern", on_hand=1)
    late = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(late)
    StockHold.objects.update(until=later(minutes=-1))
    begin(visitor_with(shop, lamp=(lamp, 1)))
    assert settle(late).state == Order.State.CANCELLED
    assert stock.available([lamp.pk], timezone.now()) == {lamp.pk: 0}


def test_live_hold_is_a_promise_even_where_staff_count_less(shop, lamp, pay_with):
    first, second = (begin(visitor_with(shop, lamp=(lamp, 1))) for _ in range(2))
    put_on_hand(lamp, 1)
    pay_with(first)
    assert settle(first).state == Order.State.PLACED
    pay_with(second)
    assert settle(second).state == Order.State.CANCELLED


def test_payment_of_another_amount_goes_back(shop, lamp, pay_with):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    Charge.objects.update(amount=1)
    pay_with(payment)
    assert settle(payment).state == Order.State.DRAFT
    assert charge_of(payment).state == Charge.State.REFUNDED


def test_payment_in_a_second_tab_goes_back(shop, lamp, pay_with):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(payment)
    settle(payment)
    other = Payment.objects.create(
        order=payment.order, gateway="sandbox", reference="second-tab", amount=payment.amount, currency="EUR"
    )
    Charge.objects.create(
        reference="second-tab", shop="x", amount=other.amount, currency="EUR", state=Charge.State.CAPTURED
    )
    settle(other)
    assert charge_of(other).state == Charge.State.REFUNDED
    assert charge_of(payment).state == Charge.State.CAPTURED


def test_sweep_settles_a_payment_whose_browser_never_came_back(shop, lamp, pay_with):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(payment, CardBehaviour.LOST)
    assert sweep_checkouts(now=timezone.now())["settled"] == 0  # the browser may be on its way
    assert sweep_checkouts(now=later(seconds=31))["settled"] == 1
    assert order_of(payment).state == Order.State.PLACED


def test_sweep_goes_on_where_one_order_has_a_fault(shop, lamp, pay_with):
    first, second = (begin(visitor_with(shop, lamp=(lamp, 1))) for _ in range(2))
    pay_with(first)
    pay_with(second)

    def refuse(*, order, **_):
        if order.pk == first.order_id:
            raise RuntimeError("no route")

    order_finalising.connect(refuse)
    try:
        assert sweep_checkouts(now=later(minutes=1))["settled"] == 1
    finally:
        order_finalising.disconnect(refuse)
    assert order_of(second).state == Order.State.PLACED
    assert order_of(first).state == Order.State.DRAFT


def test_sweep_expires_a_draft_whose_hold_lapsed(shop, pay_with):
    lamp = add_goods(shop, "amber", "Lantern", on_hand=1)
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    sweep_checkouts(now=later(minutes=10))
    assert order_of(payment).state == Order.State.DRAFT
    sweep_checkouts(now=later(minutes=16))
    assert order_of(payment).state == Order.State.EXPIRED
    assert charge_of(payment).state == Charge.State.CANCELLED
    assert pay_with(payment).state == Charge.State.CANCELLED  # the card cannot be charged any more


def test_sweep_asks_for_a_refund_until_it_is_made(shop, lamp, pay_with):
    payment = begin(visitor_with(shop, lamp=(lamp, 1)))
    pay_with(payment)
    Payment.objects.update(state=Payment.State.REFUND_DUE)
    assert sweep_checkouts(now=later(seconds=31))["refunded"] == 1
    payment.refresh_from_db()
    assert payment.state == Payment.State.REFUNDED
    assert sweep_checkouts(now=later(hours=2))["refunded"] == 0


def test_expired_order_that_was_paid_in_time_is_placed(shop, lamp, pay_with):
    visitor = visitor_with(shop, lamp=(lamp, 1))
    payment = begin(visitor)
    pay_with(payment)
    Order.objects.update(state=Order.State.EXPIRED)
    StockHold.objects.all().delete()
    order = settle(payment)
    assert order.state == Order.State.PLACED
    assert Stock.objects.get(pk=lamp.pk).on_hand == 2


def test_order_follows_the_visitor_of_a_merge(shop, lamp, pay_with):
    source, target = visitor_with(shop, lamp=(lamp, 1)), visitor_with(shop)
    payment = begin(source)
    merge_visitors(source=source, target=target, now=timezone.now())
    pay_with(payment)
    assert settle(payment).visitor_id == target.pk
    assert not Line.objects.exists()


def test_removed_line_does_not_stop_the_order(shop, lamp, pay_with):
    visitor = visitor_with(shop, lamp=(lamp, 1))
    payment = begin(visitor)
    change_quantity(cart=Cart.objects.get(visitor=visitor), variant_id=lamp.pk, quantity=0, now=timezone.now())
    pay_with(payment)
    assert settle(payment).state == Order.State.PLACED
