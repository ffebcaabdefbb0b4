"""Whatever happens in whatever order, nobody pays twice, too much or for nothing, and no piece is lost.

Hypothesis lets two tabs, a rival, staff, the bank, the sweeper, the clock and accidents act by chance. A failure prints
the acts and the seed: ``SEED=17 pytest -k any_order tests/integration/checkout`` plays that run again.
"""

import os
import sys

import hypothesis
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from cart.checkout.payments.sandbox.cards import CardBehaviour
from sessions_farm.tests.support.scale import counted
from tests.support import unreliable_gateway
from tests.support.checkout_world import Kill, Line, World, make_mall

PARTS = 4  # of the examples, for as many workers
EXAMPLES = 3_000  # at `make prove`; 100 at `make test`
ACTS, FEW_ACTS = 30, 8

variants = vendors = tabs = st.integers(0, 1)
people = st.sampled_from(["shopper", "shopper", "rival"])
pages = st.integers(0, 3)
addresses = st.sampled_from(["1 Quay Street", "2 Quay Street"])
prices = st.sampled_from([(1000, None), (700, None), (1500, None), (1000, 600), (1000, 0)])
tariffs = st.sampled_from([(0, None), (300, 900), (600, 500)])
cards = st.sampled_from([CardBehaviour.PAYS, CardBehaviour.PAYS, CardBehaviour.DECLINED, CardBehaviour.SECURE])
meanwhile = st.one_of(
    st.tuples(st.just("card"), pages, st.just(CardBehaviour.PAYS)),
    st.tuples(st.just("come_back"), pages, st.none()),
    st.tuples(st.just("sweep"), st.none()),
    st.tuples(st.just("pay"), people, tabs, st.none()),
    st.tuples(st.just("count"), variants, st.integers(0, 1)),
    st.tuples(st.just("leave_page"), pages),
)
accidents = st.one_of(
    st.none(),
    st.none(),
    st.builds(Line, call=st.integers(1, 2), is_answered=st.booleans()),
    st.builds(Line, call=st.integers(1, 2), is_answered=st.booleans(), do=meanwhile),
    st.builds(Kill, statement=st.integers(1, 60)),
)


class AnyOrder(RuleBasedStateMachine):
    """The acts; each example is undone at its end."""

    mall = None

    def __init__(self):
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.world = World(self.mall)

    @rule(person=people, variant=variants, quantity=st.integers(0, 2))
    def change(self, person, variant, quantity):
        self.world.change(person, variant, quantity)

    @rule(person=people, variant=variants)
    def put(self, person, variant):
        self.world.put(person, variant, 1)

    @rule(person=people, tab=tabs, line1=addresses, is_express=st.booleans())
    def correct_and_review(self, person, tab, line1, is_express):
        self.world.correct(person, line1, is_express)
        self.world.review(person, tab)

    @rule(person=people, tab=tabs, accident=accidents)
    def review_and_pay(self, person, tab, accident):
        self.world.review(person, tab)
        self.world.pay(person, tab, accident)

    @rule(person=people, tab=tabs, accident=accidents)
    def pay(self, person, tab, accident):
        self.world.pay(person, tab, accident)

    @rule(accident=accidents)
    def sign_in(self, accident):
        self.world.sign_in(accident)

    @rule(page=pages, behaviour=cards)
    def card(self, page, behaviour):
        self.world.card(page, behaviour)

    @rule(page=pages, confirmed=st.booleans())
    def answer_bank(self, page, confirmed):
        self.world.answer_bank(page, confirmed=confirmed)

    @rule(page=pages)
    def leave_page(self, page):
        self.world.leave_page(page)

    @rule(page=pages, accident=accidents)
    def come_back(self, page, accident):
        self.world.come_back(page, accident)

    @rule(page=pages, accident=accidents)
    def pay_by_card_and_come_back(self, page, accident):
        self.world.card(page, CardBehaviour.PAYS)
        self.world.come_back(page, accident)

    @rule(variant=variants, price=prices)
    def price(self, variant, price):
        self.world.price(variant, *price)

    @rule(vendor=vendors, tariff=tariffs)
    def tariff(self, vendor, tariff):
        self.world.tariff(vendor, *tariff)

    @rule(variant=variants, pieces=st.integers(0, 2))
    def count(self, variant, pieces):
        self.world.count(variant, pieces)

    @rule(variant=variants, withdrawn=st.booleans())
    def withdraw(self, variant, withdrawn):
        self.world.withdraw(variant, withdrawn=withdrawn)

    @rule(variant=variants)
    def delete(self, variant):
        self.world.delete(variant)

    @rule(minutes=st.sampled_from([1, 10, 20, 50]))
    def wait(self, minutes):
        self.world.wait(minutes)

    @rule(accident=accidents)
    def sweep(self, accident):
        self.world.sweep(accident)

    @rule(minutes=st.sampled_from([1, 20]), accident=accidents)
    def wait_and_sweep(self, minutes, accident):
        self.world.wait(minutes)
        self.world.sweep(accident)

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


@pytest.mark.parametrize("part", range(PARTS))
def test_nobody_pays_twice_or_for_nothing(part, db, settings, scale):
    settings.PAYMENT_GATEWAYS = {unreliable_gateway.NAME: unreliable_gateway.PATH}
    seed = int(os.environ.get("SEED", part))
    machine = hypothesis.seed(seed)(type("AnyOrder", (AnyOrder,), {"mall": make_mall()}))
    try:
        run_state_machine_as_test(
            machine,
            settings=hypothesis.settings(
                max_examples=max(counted(EXAMPLES, scale), 100) // PARTS,
                stateful_step_count=FEW_ACTS if scale == 1 else ACTS,
                database=None,
                deadline=None,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except BaseException as error:
        error.add_note(f"SEED={seed} plays it again.")
        raise
