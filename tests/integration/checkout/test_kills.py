"""Killed -9 before or after any commit or call of the gateway, a checkout can go on, or ends with nothing kept."""

from contextlib import closing

import pytest
from django.db import connection
from django.utils import timezone

from cart.aftersale.refunding import refund_amount
from cart.checkout.errors import AlreadyPaidError, CartNotBuyableError, PaymentError
from cart.checkout.finalise import finalise
from cart.checkout.payments.sandbox import services as bank
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.services import start_payment
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Order, Payment
from tests.support import unreliable_gateway
from tests.support.mortal import Mortals
from tests.support.reconciliation import wrong_at_rest
from tests.support.shop import add_goods, begin, later, make_shop, put_on_hand, request_of, visitor_with
from tests.support.waiting import wait_for
from vendors.models import Stock

AMPLE = 100
ALL_FROM = 10  # of SCALE: `make prove`
CORRECTED = {"line1": "2 Quay Street"}


class Shopper:
    """Who is on the way when the process is killed; acts are given as the words for ``Mortals``."""

    def __init__(self, shop, goods):
        self.goods = goods
        self.visitor = visitor_with(shop, goods=(goods, 1))
        self.payment, self.is_paid, self.request = None, False, None

    def begin(self, behaviour=None, **options):
        self.payment = begin(self.visitor, **options)
        if behaviour:
            self.card(behaviour)

    def card(self, behaviour=CardBehaviour.PAYS):
        token = Charge.objects.get(reference=self.payment.reference).token
        bank.charge_card(token=token, behaviour=behaviour, now=timezone.now())
        self.is_paid = behaviour is CardBehaviour.PAYS

    def pays(self, **options):
        self.request = request_of(self.visitor, **options)
        return "pay", {"visitor": str(self.visitor.pk), "now": timezone.now().isoformat(), **options}

    def comes_back(self):
        return "come_back", {"payment": self.payment.pk, "now": timezone.now().isoformat()}

    @property
    def orders(self):
        return Order.objects.filter(visitor=self.visitor)

    @property
    def kept(self):
        """The charges that the payment company keeps of this shopper's money."""
        references = Payment.objects.filter(order__visitor=self.visitor).values("reference")
        return Charge.objects.filter(reference__in=references, state=Charge.State.CAPTURED).count()


def pays(shopper):
    return shopper.pays()


def pays_again(shopper):
    shopper.begin()
    return shopper.pays()


def pays_again_after_a_declined_card(shopper):
    shopper.begin(CardBehaviour.DECLINED)
    finalise(payment=shopper.payment, now=timezone.now())
    return shopper.pays()


def pays_again_after_leaving_the_page(shopper):
    shopper.begin()
    bank.abandon_charge(token=Charge.objects.get(reference=shopper.payment.reference).token, now=timezone.now())
    return shopper.pays()


def pays_with_another_address(shopper):
    shopper.begin()
    return shopper.pays(**CORRECTED)


def pays_with_another_address_what_is_paid(shopper):
    shopper.begin(CardBehaviour.PAYS)
    return shopper.pays(**CORRECTED)


def pays_in_another_browser(shopper):
    shopper.begin()
    return shopper.pays(token=f"{shopper.visitor.pk} elsewhere")


def pays_in_another_browser_what_is_paid(shopper):
    shopper.begin(CardBehaviour.PAYS)
    return shopper.pays(token=f"{shopper.visitor.pk} elsewhere")


def comes_back(shopper):
    shopper.begin(CardBehaviour.PAYS)
    return shopper.comes_back()


def comes_back_declined(shopper):
    shopper.begin(CardBehaviour.DECLINED)
    return shopper.comes_back()


def comes_back_sold_out(shopper):
    shopper.begin(CardBehaviour.PAYS)
    put_on_hand(shopper.goods, 0)
    return shopper.comes_back()


def comes_back_to_another_amount(shopper):
    shopper.begin()
    Charge.objects.filter(reference=shopper.payment.reference).update(amount=1)
    shopper.card()
    return shopper.comes_back()


def is_swept_unpaid(shopper):
    shopper.begin()
    return "sweep", {"now": later(minutes=16).isoformat()}


def is_swept_paid(shopper):
    shopper.begin(CardBehaviour.PAYS)
    return "sweep", {"now": later(minutes=1).isoformat()}


def is_swept_sold_out(shopper):
    shopper.begin(CardBehaviour.PAYS)
    put_on_hand(shopper.goods, 0)
    return "sweep", {"now": later(minutes=1).isoformat()}


def is_swept_to_be_refunded(shopper):
    shopper.begin(CardBehaviour.PAYS)
    put_on_hand(shopper.goods, 0)
    with unreliable_gateway.line(refund_is_cut):
        finalise(payment=shopper.payment, now=timezone.now())
    return "sweep", {"now": later(minutes=1).isoformat()}


def is_swept_to_give_a_part_back(shopper):
    shopper.begin(CardBehaviour.PAYS)
    order = finalise(payment=shopper.payment, now=timezone.now())
    refund_amount(order_id=order.pk, amount=100, key="late", why="Late", now=timezone.now())
    return "sweep", {"now": later(minutes=1).isoformat()}


def refund_is_cut(name, *, is_answered):
    if name == "refund":
        raise PaymentError("No answer.", permanent=False)


PAYS = (
    pays, pays_again, pays_again_after_a_declined_card, pays_again_after_leaving_the_page,
    pays_with_another_address, pays_with_another_address_what_is_paid, pays_in_another_browser,
    pays_in_another_browser_what_is_paid,
)  # fmt: skip
ENDS_WITHOUT_GOODS = (
    comes_back_declined, comes_back_sold_out, comes_back_to_another_amount, is_swept_unpaid, is_swept_sold_out,
    is_swept_to_be_refunded,
)  # fmt: skip
ENDS = (comes_back, is_swept_paid, is_swept_to_give_a_part_back, *ENDS_WITHOUT_GOODS)
FEW = (pays_in_another_browser_what_is_paid, pays_again_after_leaving_the_page, comes_back_sold_out, is_swept_unpaid)


@pytest.fixture
def mall(transactional_db, settings):
    settings.PAYMENT_GATEWAYS = {unreliable_gateway.NAME: unreliable_gateway.PATH}
    settings.CHECKOUT_LIMITS = None  # one shopper begins more checkouts here than a person may
    shop = make_shop()
    return shop, add_goods(shop, "amber", "Lamp", on_hand=AMPLE)


@pytest.fixture(scope="module")
def mortals(django_db_setup):
    with closing(Mortals()) as mortals:
        yield mortals


def begun(mall, story):
    """A shopper at the beginning of the act, and the act."""
    shop, goods = mall
    put_on_hand(goods, AMPLE)
    shopper = Shopper(shop, goods)
    connection.close()  # the act's locks are its own
    return shopper, *story(shopper)


def wait_until_undone():
    """The database undoes what the dead process left open, a moment after its death: until then its rows are locked."""

    def is_undone():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
                "AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND xact_start IS NOT NULL)"
            )
            return cursor.fetchone()[0]

    wait_for(is_undone, "the dead process's transaction to end")


def sweep_long_after():
    for hours in (3, 6):
        sweep_checkouts(now=later(hours=hours))
    assert wrong_at_rest() == []


def expect_the_end(story, shopper):
    """After the sweeper: what was paid is placed, or goes back where that cannot be; nothing else is kept."""
    sweep_long_after()
    is_placed = shopper.orders.placed().exists()
    assert shopper.kept == is_placed == (shopper.is_paid and story not in ENDS_WITHOUT_GOODS)
    assert Stock.objects.get(pk=shopper.goods.pk).on_hand == (
        0 if "sold_out" in story.__name__ or story is is_swept_to_be_refunded else AMPLE - is_placed
    )


def expect_the_shopper_can_go_on(story, shopper):
    """The same button again, a card that pays, the return: one order is placed, and one charge kept."""
    try:
        url = start_payment(visitor=shopper.visitor, user=None, checkout_request=shopper.request, now=timezone.now())
    except (AlreadyPaidError, CartNotBuyableError):  # bought, in the other browser perhaps: its cart is empty
        url = None
    if url is not None:
        shopper.payment = Payment.objects.get(reference=Charge.objects.get(token=url.split("/")[-2]).reference)
        shopper.card()
        finalise(payment=shopper.payment, now=timezone.now())
    sweep_long_after()
    assert shopper.orders.placed().count() == 1
    assert shopper.kept == 1


def chosen(points, scale):
    """Return the points to be killed at, with their numbers: all at ``make prove``, else some, spread evenly."""
    count = len(points) if scale >= ALL_FROM else min(scale, len(points))
    return [((2 * place + 1) * len(points)) // (2 * count) for place in range(count)]


@pytest.fixture(params=[*PAYS, *ENDS], ids=lambda story: story.__name__)
def story(request, scale):
    if scale == 1 and request.param not in FEW:
        pytest.skip("make prove")
    return request.param


def test_killed_anywhere(story, mall, mortals, scale):
    """Each point of the act once with nothing but the sweeper after it, and once with the shopper who tries again."""
    shopper, act, arguments = begun(mall, story)
    points = mortals.points_of(act, **arguments)
    expect_the_end(story, shopper)
    assert len(points) >= 2
    ends = [expect_the_shopper_can_go_on] if story in PAYS else []
    for number in chosen(points, scale):
        for expect in (*ends, *([] if ends and scale == 1 else [expect_the_end])):
            shopper, act, arguments = begun(mall, story)
            mortals.kill_at(number, act, **arguments)
            wait_until_undone()
            try:
                expect(story, shopper)
            except BaseException as error:
                error.add_note(f"{story.__name__}, killed at point {number} of {points}.")
                raise
