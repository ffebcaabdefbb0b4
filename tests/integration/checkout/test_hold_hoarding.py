"""Goods held by shoppers who never pay: a network of them keeps a share, and one shopper no longer than the others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from cart.checkout.errors import CheckoutError, DraftExpiredError, HeldTooLongError
from cart.checkout.finalise import finalise
from cart.checkout.services import start_payment
from cart.orders.models import Order, Payment
from sessions_farm.communities.models import Visitor
from tests.support.checkout_walk import Shopper
from tests.support.html import words_of
from tests.support.shop import add_goods, request_of, visitor_with
from vendors import stock

pytestmark = pytest.mark.usefixtures("redis_client")

NETWORK, ADDRESS_V4 = "8" * 32, "203.0.113.9"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=500)


@pytest.fixture
def last_lamp(shop):
    return add_goods(shop, "amber", "Last lamp", on_hand=1)


@pytest.fixture
def without_limits(settings):
    settings.CHECKOUT_LIMITS = None


def hold(visitor, now, network=NETWORK, **contact):
    """Press Pay, and pay nothing; True if goods are held."""
    request = request_of(visitor, **contact)
    try:
        start_payment(visitor=visitor, user=None, checkout_request=request, now=now, network=network)
    except (CheckoutError, stock.SoldOutError):
        return False
    return True


def held(variant, now) -> int:
    on_hand = variant.stock.on_hand
    return on_hand - stock.available([variant.pk], now)[variant.pk]


def hold_in_thread(visitor):
    try:
        return hold(visitor, timezone.now())
    finally:
        connection.close()


def hoard(lamp, carts=5, pieces=99):
    """Hold pieces by anonymous carts, each of a client without cookies; the answers to the pay button."""
    answers = []
    for _ in range(carts):
        shopper = Shopper(ADDRESS_V4)
        shopper.client.post("/cart/add/", {"variant": lamp.pk, "quantity": pieces})
        shopper.client.post(
            "/checkout/", {"email": "m@example.org", "name": "M", "line1": "1", "town": "T", "country": "IE"}
        )
        answers.append(shopper.pay().status_code)
    return answers


def minutes_held(visitor, variant, minutes=120):
    """Change one letter of the address each five minutes, for two hours; the minutes in which nobody else can buy."""
    begin, count = timezone.now(), 0
    for minute in range(0, minutes, 5):
        now = begin + minute * MINUTE
        hold(visitor, now, line1=f"{minute} Quay Street")
        count += 5 * held(variant, now + MINUTE)
    return count


def test_anonymous_carts_hold_a_share(lamp):
    """Five carts of 99 pieces at one address, as they held 495 of 500: a fifth is held."""
    assert hoard(lamp) == [303] + [429] * 4
    assert held(lamp, timezone.now()) == 99


@pytest.mark.usefixtures("without_limits")
def test_control_without_limits_holds_nearly_all(lamp):
    assert hoard(lamp) == [303] * 5
    assert held(lamp, timezone.now()) == 495


def test_cart_that_wants_more_than_the_share_is_told_how_many(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=100)
    shopper = Shopper(ADDRESS_V4)
    shopper.client.post("/cart/add/", {"variant": lamp.pk, "quantity": 99})
    answer = shopper.to_payment()
    assert answer.status_code == 429
    assert "We can keep 20 of Lamp for you" in words_of(answer)
    assert held(lamp, timezone.now()) == 0


def test_small_carts_of_one_network_hold_a_share(shop, lamp):
    """Many small carts, none of them conspicuous."""
    assert sum(hold(visitor_with(shop, lamp=(lamp, 19)), timezone.now()) for _ in range(9)) == 5
    assert held(lamp, timezone.now()) == 95


def test_neighbour_buys_while_the_share_is_held(shop, lamp):
    """One who came a while ago, and one who bought before."""
    now = timezone.now()
    regular = visitor_with(shop, lamp=(lamp, 1))
    assert hold(regular, now)
    payment = Payment.objects.get()
    Order.objects.filter(pk=payment.order_id).update(state=Order.State.PLACED, placed_at=now)
    Payment.objects.update(state=Payment.State.CAPTURED)
    honest = visitor_with(shop, lamp=(lamp, 1))
    Visitor.objects.filter(pk=honest.pk).update(created_at=now - 6 * MINUTE)
    honest.refresh_from_db()
    assert hold(visitor_with(shop, lamp=(lamp, 99)), now)
    assert hold(visitor_with(shop, lamp=(lamp, 1)), now)
    assert not hold(visitor_with(shop, lamp=(lamp, 1)), now)

    assert hold(honest, now)
    assert hold(visitor_with(shop, lamp=(lamp, 99)), now, network="7" * 32)
    shopper = visitor_with(shop, lamp=(lamp, 60))
    Order.objects.filter(pk=payment.order_id).update(visitor=shopper)
    assert hold(shopper, now)
    assert dict(Order.objects.filter(state="draft").values_list("visitor", "standing")).keys() >= {
        honest.pk,
        shopper.pk,
    }
    assert Order.objects.get(visitor=honest).standing == "slow"
    assert Order.objects.get(visitor=shopper, state="draft").standing == "known"


def test_changed_address_does_not_begin_the_hold_anew(shop, last_lamp):
    """The last piece, a letter of the address changed each five minutes for two hours: 45 minutes, not 120."""
    visitor = visitor_with(shop, lamp=(last_lamp, 1))
    assert minutes_held(visitor, last_lamp) == 45
    assert Order.objects.count() == 9


@pytest.mark.usefixtures("without_limits")
def test_control_without_limits_begins_the_hold_anew(shop, last_lamp):
    assert minutes_held(visitor_with(shop, lamp=(last_lamp, 1)), last_lamp) == 120


def test_shopper_who_may_not_hold_is_told_when(shop, last_lamp, settings):
    settings.STOCK_HOLD_MINUTES = 1
    shopper = Shopper(ADDRESS_V4)
    assert shopper.to_payment(last_lamp).status_code == 303
    Order.objects.update(created_at=timezone.now() - 4 * MINUTE)
    answer = shopper.pay()
    assert answer.status_code in {409, 429}
    answer = shopper.pay()
    assert answer.status_code == 429
    assert "You can pay again in 116 minutes" in words_of(answer)


@pytest.mark.parametrize(("age", "most"), [(timedelta(0), 45), (timedelta(days=1), 85)], ids=["new", "kept"])
def test_cookie_of_its_own_for_each_hold_leaves_gaps(shop, last_lamp, age, most):
    """The last piece, for two hours, by cookies that are new or were kept for a day; the slow lane has the longer."""
    begin, minutes = timezone.now(), 0
    for visitor in [visitor_with(shop, lamp=(last_lamp, 1)) for _ in range(24)]:
        now = begin + minutes * MINUTE
        visitor.created_at = now - age
        hold(visitor, now)
        minutes += 5
    moments = [begin + minute * MINUTE + MINUTE / 2 for minute in range(120)]
    spans = Order.objects.values_list("created_at", "held_until")
    assert sum(any(since <= at < until for since, until in spans) for at in moments) <= most


def test_paid_orders_use_up_nothing(shop, lamp, pay_with):
    """A school: shoppers of one address buy more than its share, one after the other."""
    for _ in range(4):
        visitor = visitor_with(shop, lamp=(lamp, 60))
        request = request_of(visitor)
        start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now(), network=NETWORK)
        payment = Payment.objects.latest("pk")
        pay_with(payment)
        finalise(payment=payment, now=timezone.now())
    assert set(Order.objects.values_list("state", "standing")) == {("placed", "fresh")}


def test_lapsed_draft_is_not_resumed_past_its_periods(shop, last_lamp):
    visitor, begin = visitor_with(shop, lamp=(last_lamp, 1)), timezone.now()
    request = request_of(visitor)

    def press(minute):
        now = begin + minute * MINUTE
        return start_payment(visitor=visitor, user=None, checkout_request=request, now=now, network=NETWORK)

    for minute in (0, 14, 28, 42):
        press(minute)
    assert Order.objects.get().held_until == begin + 45 * MINUTE
    with pytest.raises((DraftExpiredError, HeldTooLongError)):
        press(45)


def test_two_carts_of_a_network_at_once_share_one_budget(committed_shop):
    """The second waits for the first, and sees what it holds."""
    lamp = add_goods(committed_shop, "amber", "Lamp", on_hand=500)
    visitors = [visitor_with(committed_shop, lamp=(lamp, 60)) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(hold_in_thread, visitors))
    assert sorted(answers) == [False, False, False, True]
