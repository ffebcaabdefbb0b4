"""Stolen cards are tried one after the other in the shop's checkout: who tries them is stopped, a neighbour is not."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from cart.checkout.errors import NetworkBusyError, TooManyDeclinesError
from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Order, Payment
from sessions_farm.communities.models import Visitor
from tests.support.checkout_walk import DECLINED, PAYS, Shopper
from tests.support.html import words_of
from tests.support.shop import add_goods, later, request_of, visitor_with

pytestmark = pytest.mark.usefixtures("redis_client")

NETWORK, ADDRESS_V4 = "9" * 32, "198.51.100.7"
CARDS = 25


@pytest.fixture
def vase(shop):
    return add_goods(shop, "basalt", "Vase", price=4000, on_hand=500)


@pytest.fixture
def without_limits(settings):
    settings.CHECKOUT_LIMITS = None


@pytest.fixture
def hurry(settings):
    """A small budget, so that few cards use it up."""
    settings.CHECKOUT_LIMITS = {"declines_a_network": 3, "drafts_a_network": 4}


@pytest.fixture
def attack(shop, vase, pay_with):
    """Try a card by a visitor, a new one if none is given: True if it came to the bank."""

    def try_card(visitor=None, network=NETWORK, behaviour=CardBehaviour.DECLINED):
        visitor = visitor or visitor_with(shop, vase=(vase, 1))
        request = request_of(visitor)
        try:
            start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now(), network=network)
        except (NetworkBusyError, TooManyDeclinesError):
            return False
        payment = Payment.objects.get(order__idempotency_key=request.order_key, state=Payment.State.STARTED)
        pay_with(payment, behaviour)
        finalise(payment=payment, now=timezone.now())
        return True

    return try_card


def declined_cards() -> int:
    return Charge.objects.filter(state=Charge.State.DECLINED).count()


def metric(reason) -> float:
    return REGISTRY.get_sample_value("mall_checkouts_refused_total", {"reason": reason}) or 0


def walk_with_new_cookies(vase, cards, address=ADDRESS_V4):
    """Walk to the bank with a new browser for each card; the answers to the pay button."""
    answers = []
    for _ in range(cards):
        shopper = Shopper(address)
        answers.append(shopper.to_payment(vase).status_code)
        if answers[-1] == 303:
            shopper.card(DECLINED)
    return answers


def test_walk_with_dropped_cookies_is_stopped(vase, settings, scale):
    """25 cards, each by a browser without cookies: 12 reach the bank; in a hurry, 4 of 6."""
    cards, taken = (CARDS, 12) if scale >= 10 else (6, 4)
    settings.CHECKOUT_LIMITS = {"declines_a_network": taken}
    refused = metric("network")
    assert walk_with_new_cookies(vase, cards) == [303] * taken + [429] * (cards - taken)
    assert (declined_cards(), metric("network") - refused) == (taken, cards - taken)

    elsewhere = Shopper("198.51.100.8")
    assert elsewhere.to_payment(vase).status_code == 303


@pytest.mark.usefixtures("without_limits")
def test_control_without_limits_takes_every_card(vase, attack):
    assert walk_with_new_cookies(vase, 2) == [303, 303]
    assert sum(attack() for _ in range(CARDS - 2)) == CARDS - 2
    assert declined_cards() == CARDS


def test_cards_of_one_checkout_are_stopped(vase):
    """Five cards of one order reach the bank; then the shop says so, with what to do."""
    shopper = Shopper(ADDRESS_V4)
    shopper.to_payment(vase)
    for _ in range(5):
        shopper.card(DECLINED)
        answer = shopper.pay()
    page = words_of(answer)
    assert answer.status_code == 429
    assert "Too many declined cards" in page
    assert "Nothing was charged" in page
    assert int(answer["Retry-After"]) > 60
    assert declined_cards() == 5


def test_cards_by_dropped_cookies_are_stopped(attack):
    assert sum(attack() for _ in range(CARDS)) == declined_cards() == 12


def test_cards_by_one_visitor_are_stopped(shop, vase, attack):
    """Eight cards of one visitor over several checkouts, also where the address tells nothing of the network."""
    visitor = visitor_with(shop, vase=(vase, 1))
    assert sum(attack(visitor, network="") for _ in range(CARDS)) == 5
    others = [visitor_with(shop, vase=(vase, 1)) for _ in range(2)]
    assert [attack(other, network="") for other in others] == [True, True]
    Order.objects.filter(visitor__in=others).update(visitor=visitor)
    Order.objects.filter(visitor=visitor).update(wish="an earlier one")
    assert sum(attack(visitor, network="") for _ in range(CARDS)) == 1


def test_neighbour_who_came_before_is_not_stopped(vase, hurry, attack):
    """Never paid, six minutes in the shop: the slow lane of the network is theirs."""
    shopper = Shopper(ADDRESS_V4)
    shopper.to_review(vase)
    Visitor.objects.update(created_at=timezone.now() - timedelta(minutes=6))
    shopper.pay()
    network = Order.objects.get().network
    assert sum(attack(network=network) for _ in range(4)) == 3

    shopper.pay()
    shopper.card(PAYS)
    assert Order.objects.placed().get().standing == "slow"


def test_neighbour_who_has_paid_before_is_not_stopped(vase, hurry, attack):
    regular = Shopper(ADDRESS_V4)
    regular.to_payment(vase)
    regular.card(PAYS)
    network = Order.objects.get().network
    assert sum(attack(network=network) for _ in range(4)) == 3

    regular.to_payment(vase)
    regular.card(DECLINED)
    regular.pay()
    regular.card(PAYS)
    assert sorted(Order.objects.placed().values_list("standing", flat=True)) == ["fresh", "known"]


def test_neighbour_who_just_came_is_asked_to_wait(vase, hurry, attack):
    shopper = Shopper(ADDRESS_V4)
    shopper.to_payment(vase)
    network = Order.objects.get().network
    [attack(network=network) for _ in range(3)]
    answer = Shopper(ADDRESS_V4).to_payment(vase)
    assert answer.status_code == 429
    assert "Try again in 5 minutes" in words_of(answer)
    assert "sign in and pay at once" in words_of(answer)


def test_kept_cookies_share_the_slow_lane(shop, vase, hurry, attack):
    """Browsers kept for a day: two cards in ten minutes, for all of them."""
    [attack() for _ in range(3)]
    kept = [visitor_with(shop, vase=(vase, 1)) for _ in range(5)]
    Visitor.objects.update(created_at=timezone.now() - timedelta(days=1))
    kept = list(Visitor.objects.filter(pk__in=[visitor.pk for visitor in kept]))
    assert sum(attack(visitor) for visitor in kept * 2) == 2
    assert declined_cards() == 3 + 2


def test_declines_that_no_browser_brings_back_count(shop, vase, hurry, attack, pay_with):
    """The cards are tried at the payment company alone; its notices, or the sweeper, say how they fared."""
    for _ in range(3):
        visitor = visitor_with(shop, vase=(vase, 1))
        request = request_of(visitor)
        start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now(), network=NETWORK)
        pay_with(Payment.objects.latest("pk"), CardBehaviour.DECLINED)
    sweep_checkouts(now=later(seconds=31))
    assert not attack()


def test_closed_payments_are_no_declines(vase):
    """A shopper who goes back and forth tries no card."""
    shopper = Shopper(ADDRESS_V4)
    shopper.to_payment(vase)
    for _ in range(5):
        shopper.leave_payment()
        shopper.pay()
    shopper.card(PAYS)
    assert Order.objects.placed().exists()


def test_payments_that_stay_open_are_bounded(shop, vase, hurry):
    """Every charge is opened before the first card is tried."""

    def opened():
        visitor = visitor_with(shop, vase=(vase, 1))
        request = request_of(visitor)
        start_payment(visitor=visitor, user=None, checkout_request=request, now=timezone.now(), network=NETWORK)

    for _ in range(4):
        opened()
    with pytest.raises(NetworkBusyError):
        opened()


def test_network_is_kept_as_a_digest_for_a_few_hours(vase):
    Shopper(ADDRESS_V4).to_payment(vase)
    Shopper("::ffff:198.51.100.7").to_payment(vase)
    Shopper("2001:db8:7:1::1").to_payment(vase)
    Shopper("2001:db8:7:1::2").to_payment(vase)
    Shopper("127.0.0.1").to_payment(vase)
    networks = list(Order.objects.order_by("pk").values_list("network", flat=True))
    assert re.fullmatch("[0-9a-f]{32}", networks[0])
    assert (networks[0], networks[2], networks[4]) == (networks[1], networks[3], "")
    assert len(set(networks)) == 3
    sweep_checkouts(now=later(hours=3))
    assert Order.objects.exclude(network="").count() == 4
    sweep_checkouts(now=later(hours=4, minutes=1))
    assert not Order.objects.exclude(network="").exists()
