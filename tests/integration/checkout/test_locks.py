"""One order of locks: every service that locks does it in the same order, so no two of them wait for each other."""

import contextlib
import itertools
import re
import threading
from dataclasses import replace

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart import copies
from cart.aftersale.cancelling import cancel_lines, cancel_order
from cart.aftersale.refunding import refund_amount
from cart.aftersale.returning import accept_return, ask_return, receive_return, refuse_return
from cart.checkout.finalise import finalise
from cart.checkout.prepare import prepare_order
from cart.checkout.refunding import make_refund
from cart.models import Cart
from cart.orders.models import Consignment
from cart.services import change_quantity, merge_carts
from cart.transactions import ATTEMPTS, RowLockTimeoutError, in_transaction
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.visitors.merging import merge_visitors
from tests.support.shop import add_goods, begin, make_shop, put, request_of, visitor_with

# Where several tables stand in one place, no service waits in one of them for a holder of another.
ORDER = [
    ("communities_visitor",), ("cart_cart",), ("orders_order",), ("orders_payment",), ("vendors_stock",),
    # Below their order, or by a service that locks no other row: consignments and what follows a sale.
    ("cart_line", "cart_copiedline", "vendors_stockhold", "orders_consignment", "orders_orderline", "orders_refund",
     "aftersale_return", "shipping_dispatch"),
]  # fmt: skip
RANK = {table: rank for rank, tables in enumerate(ORDER) for table in tables}
LOCKING = re.compile(
    r'^(?:SELECT .*? FROM "(?P<locked>\w+)".* FOR (?:NO KEY )?UPDATE|(?:UPDATE|DELETE FROM) "(?P<changed>\w+)"'
    r"|\s*INSERT INTO (?P<upserted>\w+) AS|\s*WITH .*UPDATE (?P<reduced>\w+) AS)",
    re.DOTALL,
)
LOCKED_OF, NAME = re.compile(r"FOR (?:NO KEY )?UPDATE OF (.*)$"), re.compile(r'"(\w+)"')


def locks_of(queries) -> list[str]:
    """The tables that statements lock rows of, each where it comes first."""
    found = []
    for query in queries:
        match = LOCKING.match(query["sql"])
        named = LOCKED_OF.search(query["sql"])  # the tables of a join are locked in the order in which OF names them
        tables = NAME.findall(named[1]) if named else [match and next(filter(None, match.groups()))]
        found += [table for table in tables if table in RANK and table not in found]
    return found


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=50)


@pytest.fixture
def services(shop, lamp, pay_with):
    """Each service that locks rows of cart, order and stock, by its name."""
    now = timezone.now()
    shopper, neighbour = visitor_with(shop, lamp=(lamp, 2)), visitor_with(shop, lamp=(lamp, 1))
    copied, anonymous = visitor_with(shop, lamp=(lamp, 1)), visitor_with(shop, lamp=(lamp, 1))
    copies.copy_cart(source_visitor_id=copied.pk, target=Visitor.objects.create(community=shop.community), now=now)
    payment = begin(shopper)
    pay_with(payment)
    return {
        "add_line": lambda: put(shopper, lamp),
        "change_quantity": lambda: change_quantity(
            cart=Cart.objects.get(visitor=shopper), variant_id=lamp.pk, quantity=1, now=now
        ),
        "merge_carts": lambda: merge_carts(source=anonymous, target=neighbour, now=now),
        "merge_visitors": lambda: merge_visitors(source=anonymous, target=neighbour, now=now),
        "copy_cart": lambda: copies.copy_cart(
            source_visitor_id=copied.pk, target=Visitor.objects.create(community=shop.community), now=now
        ),
        "prepare": lambda: prepare_order(visitor=neighbour, user=None, checkout_request=request_of(neighbour), now=now),
        "finalise": lambda: finalise(payment=payment, now=now),
        "prepare_paid_later": lambda: prepare_order(
            visitor=neighbour, user=None, checkout_request=replace(request_of(neighbour), gateway="manual"), now=now
        ),
    }


@pytest.fixture
def sold(shop, lamp, pay_with):
    """A placed order of 2 lamps."""
    payment = begin(visitor_with(shop, lamp=(lamp, 2)))
    pay_with(payment)
    return finalise(payment=payment, now=timezone.now())


class AfterSale:
    """Each service after the sale, ready to be called: its preparation is done when the method returns."""

    def __init__(self, order):
        self.order, self.consignment = order, order.consignments.get()
        self.piece = {self.consignment.lines.get().pk: 1}
        self.said = {"key": "k", "why": "w", "now": timezone.now()}
        self.answer = {"answer": "no", "user": None, "now": timezone.now()}

    def cancel_lines(self):
        return lambda: cancel_lines(order_id=self.order.pk, pieces=self.piece, **self.said)

    def cancel_order(self):
        return lambda: cancel_order(order_id=self.order.pk, **self.said)

    def refund_amount(self):
        return lambda: refund_amount(order_id=self.order.pk, amount=50, **self.said)

    def make_refund(self):
        refund = self.refund_amount()()
        return lambda: make_refund(refund, timezone.now())

    def ask_return(self):
        Consignment.objects.update(state="sent", sent_at=timezone.now())
        return lambda: ask_return(consignment_id=self.consignment.pk, pieces=self.piece, **self.said)

    def refuse_return(self):
        asked = self.ask_return()()
        return lambda: refuse_return(return_id=asked.pk, **self.answer)

    def receive_return(self):
        asked = self.ask_return()()
        accept_return(return_id=asked.pk, **self.answer)
        return lambda: receive_return(return_id=asked.pk, is_sellable=True, user=None, now=timezone.now())


SERVICES = (
    "add_line", "change_quantity", "merge_carts", "merge_visitors", "copy_cart", "prepare", "finalise",
    "prepare_paid_later",
)  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_service_locks_in_the_one_order(services, name):
    locked = locks_by(services[name])

    if name == "merge_visitors":  # the orders come last; but whoever locks an order of these visitors has their carts
        locked.remove("orders_order")
    assert_in_order(name, locked)


@pytest.mark.parametrize("name", [name for name in vars(AfterSale) if not name.startswith("_")])
def test_service_after_the_sale_locks_in_the_one_order(sold, name):
    locked = locks_by(getattr(AfterSale(sold), name)())
    assert_in_order(name, locked)
    assert locked[0] == "orders_order"


def locks_by(service) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        service()
    return locks_of(captured.captured_queries)


def assert_in_order(name, locked):
    assert locked == sorted(locked, key=RANK.__getitem__), f"{name} locks {' → '.join(locked)}"
    assert locked


def test_every_service_is_tried(services):
    assert set(SERVICES) == set(services)


class Meeting:
    """Two transactions that lock two rows crosswise, at once: PostgreSQL ends one of them."""

    def __init__(self, rows):
        self.rows, self.barrier, self.attempts = rows, threading.Barrier(2), 0

    def lock(self, first, second):
        self.attempts += 1
        Cart.objects.select_for_update().get(pk=first)
        if not self.barrier.broken:
            with contextlib.suppress(threading.BrokenBarrierError):
                self.barrier.wait(timeout=60)
            self.barrier.abort()
        Cart.objects.select_for_update().get(pk=second)


@pytest.fixture
def committed_carts(transactional_db):
    shop = make_shop()
    return [Cart.objects.create(visitor=Visitor.objects.create(community=shop.community)).pk for _ in range(2)]


def crosswise(rows, service):
    """What two callers of a service that locks the two rows in opposite orders raised."""
    raised = []

    def run(first, second):
        try:
            service(first, second)
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in itertools.permutations(rows)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return raised


def test_deadlock_is_tried_again(committed_carts):
    meeting = Meeting(committed_carts)

    assert crosswise(committed_carts, in_transaction(meeting.lock)) == []
    assert 2 < meeting.attempts <= 2 * ATTEMPTS


def test_control_without_another_try_the_deadlock_is_an_error(committed_carts):
    meeting = Meeting(committed_carts)

    assert len(crosswise(committed_carts, transaction.atomic(meeting.lock))) == 1


def test_nothing_is_tried_again_inside_a_callers_transaction(db):
    calls = []

    @in_transaction
    def busy():
        calls.append(1)
        raise RowLockTimeoutError

    with transaction.atomic(), pytest.raises(RowLockTimeoutError):
        busy()
    assert len(calls) == 1
