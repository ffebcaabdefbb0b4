"""Whatever happens in whatever order, nobody pays twice, too much or for nothing, and no piece is lost.

Hypothesis lets two tabs, a rival, staff, the bank, the sweeper, the clock and accidents act by chance. A failure prints
the acts and the seed: ``SEED=17 pytest -k any_order tests/integration/checkout`` plays that run again.
"""

import itertools
import os
import sys
from contextlib import closing

import hypothesis
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cart.checkout.payments.sandbox.cards import CardBehaviour
from sessions_farm.tests.support.scale import counted
from tests.support import unreliable_gateway
from tests.support.checkout_world import Kill, Line, World, make_mall

PARTS = 4  # of the examples, for as many workers
EXAMPLES = 3_000  # at `make prove`; 100 at `make test`
ACTS, FEW_ACTS = 30, 5
TIDIED = 30  # examples

numbers = st.integers(0, 1)  # of tabs, variants, vendors
people = st.sampled_from(["shopper", "shopper", "rival"])
pages = st.integers(0, 3)
keys = st.sampled_from(["key 1", "key 2"])  # of the same act twice
PRICES = [(1000, None), (700, None), (1500, None), (1000, 600)]
SUMS = [(700, 1500), (1500, 700), (700, 700)]
TARIFFS = [(0, None), (300, 900), (600, 500), (None, 700), (None, None)]  # standard, express; without any: no delivery
CARDS = [CardBehaviour.PAYS, CardBehaviour.PAYS, CardBehaviour.DECLINED, CardBehaviour.SECURE]


def act(name, *arguments):
    """Draw an act of the world."""
    return st.tuples(st.just(name), *arguments)


after_sale = st.one_of(
    act("cancel", numbers, st.sampled_from(["piece", "shopper", "shop", "order"]), keys),
    act("refund", numbers, st.sampled_from([1, 333, 1000, 3000]), keys),
    act("send", numbers),
    act("send_back", numbers, keys),
)
meanwhile = st.one_of(
    act("card", pages, st.just(CardBehaviour.PAYS)),
    act("come_back", pages),
    act("notice", pages),
    after_sale,
    act("sweep"),
    act("pay", people, numbers),
    act("count", numbers, numbers),
    act("leave_page", pages),
)
accidents = st.one_of(
    st.none(),
    st.none(),
    st.builds(Line, call=st.integers(1, 2), is_answered=st.booleans()),
    st.builds(Line, call=st.integers(1, 2), is_answered=st.booleans(), do=meanwhile),
    st.builds(Kill, statement=st.integers(1, 60)),
)
shoppers_acts = st.one_of(
    act("change", people, numbers, st.integers(0, 2)),
    act("put", people, numbers),
    act("correct", people, st.sampled_from(["1 Quay Street", "2 Quay Street"]), st.booleans()),
    act("review", people, numbers),
    act("sign_in", accidents),
)
banks_acts = st.one_of(
    act("card", pages, st.sampled_from(CARDS)),
    act("answer_bank", pages, st.booleans()),
    act("leave_page", pages),
    act("charge_less", pages),
)
staffs_acts = st.one_of(
    act("price", numbers, st.sampled_from(PRICES)),
    st.sampled_from(SUMS).map(lambda prices: ("reprice", *prices)),
    act("give_away"),
    act("tariff", numbers, st.sampled_from(TARIFFS)),
    act("count", numbers, st.integers(0, 2)),
    act("withdraw", numbers, st.booleans()),
    act("delete", numbers),
)
before_a_review = st.one_of(act("price", numbers, st.sampled_from(PRICES)), staffs_acts, shoppers_acts, banks_acts)
before_an_old_page = st.one_of(
    act("pay_and_stay", pages), st.sampled_from(SUMS).map(lambda prices: ("reprice", *prices)), banks_acts, after_sale
)


class AnyOrder(RuleBasedStateMachine):
    """The acts; each example is undone at its end."""

    mall = None
    ended = itertools.count(1)

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world = World(self.mall)

    def do(self, act):
        name, *arguments = act
        getattr(self.world, name)(*arguments)

    @rule(act=shoppers_acts)
    def shopper(self, act):
        self.do(act)

    @rule(act=staffs_acts)
    def staff(self, act):
        self.do(act)

    @rule(act=banks_acts)
    def bank(self, act):
        self.do(act)

    @rule(person=people, tab=numbers, accident=accidents)
    def pay(self, person, tab, accident):
        self.world.pay(person, tab, accident)

    @rule(person=people, tab=numbers, before=before_a_review, accident=accidents)
    def review_and_pay(self, person, tab, before, accident):
        self.do(before)
        self.world.review(person, tab)
        self.world.pay(person, tab, accident)

    @rule(page=pages, accident=accidents)
    def come_back(self, page, accident):
        self.world.come_back(page, accident)

    @rule(page=pages, accident=accidents, is_browser=st.booleans())
    def pay_by_card_and_come_back(self, page, accident, is_browser):
        self.world.card(page, CardBehaviour.PAYS)
        self.world.come_back(page, accident, is_browser=is_browser)

    @rule(person=people, tab=numbers, page=pages)
    def pay_and_check_out_elsewhere(self, person, tab, page):
        self.world.pay(person, tab)
        self.world.card(page, CardBehaviour.PAYS)
        self.world.check_out_elsewhere(person, tab)

    @rule(page=pages, variant=numbers, is_sold_out=st.booleans())
    def take_too_late(self, page, variant, is_sold_out):
        self.world.wait(50)
        self.world.sweep()
        if is_sold_out:
            self.world.count(variant, 0)
        self.world.take_in_spite(page)

    @rule(person=people, tab=numbers, before=before_an_old_page, accident=accidents)
    def fill_again_and_pay(self, person, tab, before, accident):
        self.do(before)
        self.world.fill_again_and_pay(person, tab, accident)

    @precondition(lambda self: self.world.sold(0) is not None)
    @rule(act=after_sale, accident=accidents)
    def after_the_sale(self, act, accident):
        self.do((*act, accident) if act[0] != "send" else act)

    @rule(minutes=st.sampled_from([0, 1, 20, 50]), accident=accidents)
    def wait_and_sweep(self, minutes, accident):
        self.world.wait(minutes)
        self.world.sweep(accident)

    @rule(minutes=st.sampled_from([1, 10, 20, 50]))
    def wait(self, minutes):
        self.world.wait(minutes)

    @invariant()
    def is_sound(self):
        self.world.expect_sound()

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
        finally:
            self.world.close()
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)
        if next(self.ended) % TIDIED == 0:
            vacuum()


def vacuum():
    """Free what examples rolled back: the rules' queries would read more of it each time, and nothing else frees it."""
    with closing(connection.copy()) as other, other.cursor() as cursor:
        cursor.execute("VACUUM (TRUNCATE FALSE)")


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_pays_twice_or_for_nothing(part, db, settings, scale):
    settings.PAYMENT_GATEWAYS = {unreliable_gateway.NAME: unreliable_gateway.PATH}
    settings.CHECKOUT_LIMITS = None  # one shopper begins more checkouts here than a person may
    seed = int(os.environ.get("SEED", part))
    machine = hypothesis.seed(seed)(type("AnyOrder", (AnyOrder,), {"mall": make_mall()}))
    try:
        run_state_machine_as_test(
            machine,
            settings=hypothesis.settings(
                max_examples=max(counted(EXAMPLES, scale), 100) // PARTS,
                stateful_step_count=min(FEW_ACTS * scale, ACTS),
                database=None,
                deadline=None,
                phases=[Phase.generate] if "MUTANT" in os.environ else [Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException as error:
        error.add_note(f"SEED={seed} plays it again.")
        raise
