"""Many shoppers at once, each on a connection of its own, and the same with the locks taken out."""

import re
import threading

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Order, Payment
from cart.orders.signals import order_finalising
from cart.transactions import RowLockTimeoutError
from tests.support.shop import ADDRESS, MASTER, add_goods, begin, later, order_of, request_of, visitor_with
from vendors import stock
from vendors.models import Stock, StockHold

MOST = 50  # shoppers at once; each holds a connection


@pytest.fixture
def crowd(scale):
    """How many shoppers come at once."""
    return min(12 * scale, MOST)


def at_once(count, work):
    """Run ``work(number)`` in threads that start together; what each returned or raised."""
    gate, answers = threading.Barrier(count), [None] * count

    def run(number):
        try:
            gate.wait()
            answers[number] = work(number)
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            answers[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return answers


def buy(visitor, checkout_request, pay_with):
    """Press "Pay", pay, and come back; the state of the order."""
    start_payment(visitor=visitor, user=None, checkout_request=checkout_request, now=timezone.now())
    payment = Payment.objects.get(order__idempotency_key=checkout_request.order_key)
    pay_with(payment)
    return finalise(payment=payment, now=timezone.now()).state


@pytest.fixture
def rush(committed_shop, pay_with, crowd):
    """One lamp, and many shoppers who have it in their carts, on an order with a second vendor."""
    lamp = add_goods(committed_shop, "amber", "Lamp", on_hand=1)
    vase = add_goods(committed_shop, "basalt", "Vase", on_hand=1000)
    visitors = [visitor_with(committed_shop, vase=(vase, 1), lamp=(lamp, 1)) for _ in range(crowd)]
    checkout_requests = [request_of(visitor) for visitor in visitors]

    def run():
        return at_once(crowd, lambda number: buy(visitors[number], checkout_requests[number], pay_with))

    return lamp, run


def test_one_unit_has_one_buyer_and_no_charge_of_the_others_is_kept(rush, crowd):
    lamp, run = rush
    answers = run()
    assert answers.count(Order.State.PLACED) == 1
    assert sum(isinstance(answer, stock.SoldOutError) for answer in answers) == crowd - 1
    assert Order.objects.placed().count() == 1
    assert Charge.objects.filter(state=Charge.State.CAPTURED).count() == 1
    assert Stock.objects.get(pk=lamp.pk).on_hand == 0


def test_without_the_locks_the_same_rush_oversells(rush, crowd, monkeypatch):
    """The control: the locks are what keeps the second buyer out, and the CHECK is the last line behind them."""
    lamp, run = rush
    everyone_has_looked = threading.Barrier(crowd, timeout=20)
    look, looks = stock._held, threading.local()

    def look_without_lock(variant_ids, **_lookups):
        return dict(Stock.objects.filter(pk__in=list(variant_ids)).values_list("pk", "on_hand"))

    def first_look_together(*args):
        held = look(*args)
        if not getattr(looks, "done", False):
            looks.done = True
            everyone_has_looked.wait()
        return held

    def look_at_held(reference, _sale_key):
        holds = StockHold.objects.filter(reference=reference).order_by("variant_id")
        return list(holds.values_list("variant_id", "variant__stock__on_hand", "quantity", "until"))

    monkeypatch.setattr(stock, "_lock_on_offer", look_without_lock)
    monkeypatch.setattr(stock, "_lock_held_by", look_at_held)
    monkeypatch.setattr(stock, "_held", first_look_together)
    run()
    charged = Charge.objects.filter(state__in=[Charge.State.CAPTURED, Charge.State.REFUNDED]).count()
    assert charged > 1, "without locks several shoppers are let through to pay for one unit"
    assert Stock.objects.get(pk=lamp.pk).on_hand >= 0


def test_identical_posts_make_one_order_and_one_charge(committed_shop, crowd):
    posts = 20 if crowd == MOST else 8
    visitor = visitor_with(committed_shop, lamp=(add_goods(committed_shop, "amber", "Lamp"), 1))
    checkout_request = request_of(visitor)
    urls = at_once(
        posts,
        lambda _: start_payment(visitor=visitor, user=None, checkout_request=checkout_request, now=timezone.now()),
    )
    assert len(set(urls)) == 1, urls
    assert Order.objects.count() == Payment.objects.count() == Charge.objects.count() == 1


def test_return_webhook_and_sweeper_at_once_place_one_order(committed_shop, pay_with):
    lamp = add_goods(committed_shop, "amber", "Lamp", on_hand=5)
    payment = begin(visitor_with(committed_shop, lamp=(lamp, 1)))
    pay_with(payment)
    heard = []

    def count(**_):
        heard.append(1)

    order_finalising.connect(count)
    try:
        answers = at_once(
            9,
            lambda number: (
                sweep_checkouts(now=later(minutes=1))
                if number % 3 == 0
                else finalise(payment=payment, now=timezone.now()).state
            ),
        )
    finally:
        order_finalising.disconnect(count)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert heard == [1]
    assert Stock.objects.get(pk=lamp.pk).on_hand == 4


def test_carts_in_opposite_order_do_not_wait_for_each_other_for_ever(committed_shop, pay_with):
    one = add_goods(committed_shop, "amber", "One", on_hand=100)
    two = add_goods(committed_shop, "basalt", "Two", on_hand=100)
    forth, to = {"a": (one, 1), "b": (two, 1)}, {"b": (two, 1), "a": (one, 1)}
    visitors = [visitor_with(committed_shop, **(forth if number % 2 else to)) for number in range(8)]
    checkout_requests = [request_of(visitor) for visitor in visitors]
    assert (
        at_once(8, lambda number: buy(visitors[number], checkout_requests[number], pay_with))
        == [Order.State.PLACED] * 8
    )


def test_row_lock_of_another_transaction_times_out(committed_shop, pay_with, monkeypatch):
    monkeypatch.setattr("cart.transactions.LOCK_TIMEOUT", "200ms")
    lamp = add_goods(committed_shop, "amber", "Lamp")
    visitor = visitor_with(committed_shop, lamp=(lamp, 1))
    checkout_request = request_of(visitor)
    locked, done = threading.Event(), threading.Event()

    def hold_the_row():
        with transaction.atomic():
            stock.lock_rows([lamp.pk])
            locked.set()
            done.wait(60)
        connection.close()

    thread = threading.Thread(target=hold_the_row)
    thread.start()
    assert locked.wait(60)
    try:
        with pytest.raises(RowLockTimeoutError):
            start_payment(visitor=visitor, user=None, checkout_request=checkout_request, now=timezone.now())
    finally:
        done.set()
        thread.join()
    assert not Order.objects.exists()
    start_payment(visitor=visitor, user=None, checkout_request=checkout_request, now=timezone.now())
    assert order_of(Payment.objects.get()).state == Order.State.DRAFT


def test_browsers_that_press_pay_together_get_one_till_and_plain_words(committed_shop, crowd):
    """The same rush through the views: one is led to the payment page, the others read that it is sold out."""
    lamp = add_goods(committed_shop, "basalt", "Lamp", on_hand=1)
    clients = [Client(headers={"host": MASTER}) for _ in range(crowd)]
    forms = [reviewed(client, lamp) for client in clients]
    answers = at_once(crowd, lambda number: clients[number].post("/checkout/pay/", forms[number]))
    assert sorted(answer.status_code for answer in answers) == [303] + [409] * (crowd - 1)
    refused = [answer.content.decode() for answer in answers if answer.status_code == 409]
    assert all("Sold out" in page and "Nothing was charged" in page for page in refused)
    assert Charge.objects.count() == 1


def reviewed(client, variant):
    """Bring a shopper as far as the review; the hidden fields of its button."""
    client.post("/cart/add/", {"variant": variant.pk, "quantity": 1})
    client.post("/checkout/", ADDRESS)
    client.post("/checkout/delivery/", {f"vendor-{variant.product.vendor_id}": "standard"})
    page = client.get("/checkout/review/").content.decode()
    return dict(re.findall(r'name="(review_key|agreed)" value="([^"]*)"', page))
