"""A crowd checks out over two nodes while staff change prices and stock: all by HTTP, no piece sold twice, no error."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.utils import timezone

from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.sweeping import sweep_checkouts
from cart.orders.models import Order
from sessions_farm.tests.support.scale import counted
from tests.support.buyer import SOLD_OUT, Buyer
from tests.support.nodes import running_nodes
from tests.support.reconciliation import wrong_at_rest
from tests.support.shop import add_goods, add_vendor, later, make_shop
from tests.support.unlocked import BUYERS, LOOKED
from vendors import ledger
from vendors.models import Stock, StockMovement, Variant

CHECKOUTS, AT_A_TIME = 1_000, 32
SCARCE, AMPLE = 8, 100_000

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("transactional_db", "redis_client")]


@pytest.fixture
def goods():
    """Of each of three vendors two variants: one that soon is short, and one that never is."""
    shop = make_shop()
    add_vendor(shop, "delft", delivery_charge=250)
    return [
        [
            add_goods(shop, slug, f"{slug} {name}", on_hand=on_hand)
            for name, on_hand in (("few", SCARCE), ("many", AMPLE))
        ]
        for slug in shop.vendors
    ]


@contextmanager
def staff(goods):
    """Change prices and deliver pieces all the while; yield the number of changes."""
    done, changes = threading.Event(), Counter()
    chance = random.Random("staff")
    variants = [variant for of_vendor in goods for variant in of_vendor]

    def work():
        try:
            while not done.wait(0.02):
                variant = chance.choice(variants)
                if chance.random() < 0.5:
                    step = chance.choice([-10, 10])
                    changes["price"] += Variant.objects.filter(pk=variant.pk).update(price=F("price") + step)
                else:
                    row = Stock.objects.get(pk=variant.pk)
                    entry = ledger.Entry(
                        variant.pk, StockMovement.Kind.CORRECTION, chance.choice([-1, 1]), "", row.version
                    )
                    try:
                        ledger.enter(entry, user=None, now=timezone.now())
                        changes["stock"] += 1
                    except ledger.LedgerError:
                        changes["refused"] += 1
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield changes
    finally:
        done.set()
        thread.join()


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


def test_crowd_buys_while_staff_edit(goods, scale):
    if scale == 1:
        pytest.skip("Its nodes cost more than its few shoppers prove: make prove.")
    count, before = counted(CHECKOUTS, scale), deadlocks()
    with running_nodes(2, DB_POOL="16") as nodes, staff(goods) as changes:

        def check_out(number):
            buyer = Buyer(nodes, number)
            few_or_many = [buyer.random.random() < 0.2 for _ in goods]
            ended = buyer.checks_out(
                [few if is_few else many for (few, many), is_few in zip(goods, few_or_many, strict=True)]
            )
            return ended, buyer.statuses

        with ThreadPoolExecutor(AT_A_TIME) as pool:
            answers = list(pool.map(check_out, range(count)))
        logs = nodes.logs()
    ends = Counter(ended for ended, _ in answers)
    statuses = sum((statuses for _, statuses in answers), Counter())
    print(f"{count} checkouts: {dict(ends)}; answers {dict(statuses)}; staff {dict(changes)}")  # noqa: T201 -- figures
    assert set(statuses) <= {200, 302, 303, SOLD_OUT}
    assert deadlocks() == before
    assert "deadlock" not in logs
    placed, cancelled = (Order.objects.filter(state=state).count() for state in ("placed", "cancelled"))
    assert ends["paid"] == placed + cancelled, "each was led to an order"  # staff took pieces away from a few
    assert placed > cancelled
    assert set(ends) <= {"paid", "sold out before the review", "sold out at the button"}
    assert min(changes["price"], changes["stock"]) > 0
    for hours in (3, 6):
        sweep_checkouts(now=later(hours=hours))
    assert wrong_at_rest() == []
    assert Charge.objects.filter(state=Charge.State.CAPTURED).count() == placed


def test_control_without_the_locks_the_crowd_oversells(goods, scale):
    if scale == 1:
        pytest.skip("Its nodes cost seconds: make prove; test_races has the control of one process.")
    last = add_last_piece(goods)
    cache.set(LOOKED, 0)
    with running_nodes(2, DB_POOL="16", DJANGO_SETTINGS_MODULE="tests.support.unlocked_settings") as nodes:
        buyers = [Buyer(nodes, number) for number in range(BUYERS)]
        assert all(buyer.comes_to_the_review([last]) for buyer in buyers)
        with ThreadPoolExecutor(BUYERS) as pool:
            list(pool.map(Buyer.presses_pay, buyers))
    assert Charge.objects.count() > 1, "without locks several shoppers are led to pay for one piece"


def add_last_piece(goods):
    last = goods[0][0]
    ledger.count({last.pk: 1}, why="Counted", now=timezone.now())
    return last
