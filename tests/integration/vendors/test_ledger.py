"""Stock is a ledger: what is on hand is the sum of movements, and nothing else changes it."""

import threading
import time
import uuid

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F, ProtectedError, Sum
from django.utils import timezone

from tests.support.shop import add_goods, begin, later, make_shop, put_on_hand, visitor_with
from vendors import card_refresh, ledger, stock
from vendors.models import Product, ProductCard, Stock, StockHold, StockMovement, Variant

Kind = StockMovement.Kind


@pytest.fixture
def lamp(shop):
    return add_goods(shop, "amber", "Lamp", on_hand=10)


def on_hand(variant) -> int:
    """What is on hand, seen to be the sum of the movements."""
    row = Stock.objects.get(pk=variant.pk)
    assert (row.movements.aggregate(pieces=Sum("quantity"))["pieces"] or 0) == row.on_hand
    assert row.movements.count() == row.version
    return row.on_hand


def entry(variant, kind, pieces, seen=None, why="A reason"):
    return ledger.Entry(variant.pk, kind, pieces, why, variant.stock.version if seen is None else seen)


def enter(variant, kind, pieces, **options):
    variant.stock.refresh_from_db()
    return ledger.enter(entry(variant, kind, pieces, **options), user=None, now=timezone.now())


def sell(variant, pieces, reference=None):
    reference = reference or uuid.uuid4()
    stock.hold(reference, {variant.pk: pieces}, later(minutes=5), timezone.now())
    stock.take(reference, timezone.now())
    return reference


def test_variant_has_an_empty_stock_row_from_the_start(shop, lamp):
    single = Variant.objects.create(product=lamp.product, sku="2", price=500)
    several = Variant.objects.bulk_create(Variant(product=lamp.product, sku=sku, price=500) for sku in "34")
    for variant in (single, *several):
        assert on_hand(variant) == 0


def test_each_kind_moves_what_is_on_hand(lamp):
    enter(lamp, Kind.DELIVERY, 5)
    enter(lamp, Kind.CORRECTION, -2)
    assert on_hand(lamp) == 13
    assert enter(lamp, Kind.COUNT, 12).quantity == -1
    assert enter(lamp, Kind.COUNT, 12).quantity == 0
    assert on_hand(lamp) == 12


@pytest.mark.parametrize(
    ("kind", "pieces"),
    [(Kind.DELIVERY, 0), (Kind.DELIVERY, -1), (Kind.CORRECTION, 0), (Kind.CORRECTION, -11), (Kind.COUNT, -1),
     (Kind.SALE, -1), (Kind.RETURN, 1)],
)  # fmt: skip
def test_entry_that_cannot_be_is_refused(lamp, kind, pieces):
    with pytest.raises(ledger.LedgerError):
        enter(lamp, kind, pieces)
    assert on_hand(lamp) == 10


def test_entry_against_moved_stock_is_refused_with_what_changed(lamp):
    seen = lamp.stock.version
    sell(lamp, 3)
    enter(lamp, Kind.DELIVERY, 1)
    for kind in (Kind.COUNT, Kind.DELIVERY):
        with pytest.raises(ledger.StaleStockError, match=r"10 were on hand, now 8 \(sale -3, delivery \+1\)"):
            enter(lamp, kind, 10, seen=seen)
    assert on_hand(lamp) == 8


def test_sale_is_a_movement_with_the_order_and_happens_once(lamp):
    reference = sell(lamp, 3)
    stock.take(reference, timezone.now())
    sell(lamp, 3, reference)  # held and taken again
    movement = StockMovement.objects.get(kind=Kind.SALE)
    assert (movement.quantity, movement.reference, movement.user) == (-3, reference, None)
    assert on_hand(lamp) == 7
    assert not StockHold.objects.exists()


def test_goods_come_back_once_for_each_key(lamp):
    reference = sell(lamp, 3)
    for _ in range(2):
        stock.return_goods(reference, {lamp.pk: 1}, key="refund 1", why="Broken", now=timezone.now())
    assert on_hand(lamp) == 8
    stock.return_goods(reference, {lamp.pk: 2}, key="refund 2", why="Unwanted", now=timezone.now())
    assert on_hand(lamp) == 10
    assert set(StockMovement.objects.filter(kind=Kind.RETURN).values_list("reference", flat=True)) == {reference}


def test_no_more_comes_back_than_was_sold(lamp):
    reference = sell(lamp, 3)
    with pytest.raises(stock.MoreThanSoldError):
        stock.return_goods(reference, {lamp.pk: 4}, key="1", why="Unwanted", now=timezone.now())
    with pytest.raises(stock.MoreThanSoldError):
        stock.return_goods(uuid.uuid4(), {lamp.pk: 1}, key="1", why="Unwanted", now=timezone.now())
    assert on_hand(lamp) == 7


def test_nothing_but_a_movement_changes_what_is_on_hand(lamp):
    movement = StockMovement.objects.get()
    by_hand = [
        lambda: Stock.objects.update(on_hand=F("on_hand") + 1),
        lambda: Stock.objects.update(version=7),
        lambda: StockMovement.objects.update(quantity=11),
        lambda: StockMovement.objects.update(why="Other"),
        movement.delete,
    ]
    for change in by_hand:
        with pytest.raises(IntegrityError, match="sum of movements"), transaction.atomic():
            change()
    assert on_hand(lamp) == 10


def test_stale_row_saved_whole_overwrites_nothing(lamp):
    row = Stock.objects.get(pk=lamp.pk)
    sell(lamp, 3)
    row.low_below = 5
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    assert on_hand(lamp) == 7


def test_person_who_leaves_stays_in_no_movement(lamp, django_user_model):
    user = django_user_model.objects.create_user("anna@example.org", "secret")
    ledger.enter(entry(lamp, Kind.DELIVERY, 5), user=user, now=timezone.now())
    user.delete()
    assert StockMovement.objects.get(kind=Kind.DELIVERY).user is None


@pytest.mark.parametrize("is_settled", [False, True], ids=["held", "ordered"])
def test_goods_that_are_needed_are_not_deleted(shop, lamp, is_settled):
    begin(visitor_with(shop, lamp=(lamp, 1)))
    if is_settled:
        StockHold.objects.all().delete()
    for rows in (lamp, lamp.product, Variant.objects.all(), Product.objects.filter(pk=lamp.product.pk)):
        with pytest.raises(ProtectedError, match="Withdraw it instead"):
            rows.delete()
    assert on_hand(lamp) == 10


def test_goods_that_nothing_needs_go_with_their_ledger(lamp):
    lamp.product.delete()
    assert not StockMovement.objects.exists()
    assert not Stock.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_withdrawn_variant_is_offered_nowhere_and_its_hold_is_kept(shop, lamp):
    reference = uuid.uuid4()
    stock.hold(reference, {lamp.pk: 1}, later(minutes=5), timezone.now())
    Variant.objects.update(withdrawn=True)
    now = timezone.now()
    assert stock.available([lamp.pk], now) == {lamp.pk: 0}
    card_refresh.refresh_all(now)
    assert not ProductCard.objects.filter(is_public=True).exists()
    with pytest.raises(stock.SoldOutError):
        stock.hold(uuid.uuid4(), {lamp.pk: 1}, later(minutes=5), now)
    stock.take(reference, now)
    assert on_hand(lamp) == 9


def race(*works) -> list[Exception]:
    """Do all works at once; return what was raised."""
    start, failures = threading.Barrier(len(works), timeout=20), []

    def run(work):
        try:
            start.wait()
            work()
        except Exception as error:  # noqa: BLE001 -- judged by the test
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.django_db(transaction=True)
def test_ledger_is_what_is_on_hand_after_a_rush():
    shop = make_shop()
    lamp, vase = add_goods(shop, "amber", "Lamp", on_hand=5), add_goods(shop, "basalt", "Vase", on_hand=5)
    order, seen = sell(lamp, 1), Stock.objects.get(pk=lamp.pk).version

    def buy(*variants):
        reference = uuid.uuid4()
        stock.hold(reference, {variant.pk: 1 for variant in variants}, later(minutes=5), timezone.now())
        stock.take(reference, timezone.now())

    def give_back():
        stock.return_goods(order, {lamp.pk: 1}, key="refund", why="Unwanted", now=timezone.now())

    def deliver():
        ledger.enter(entry(lamp, Kind.DELIVERY, 3, seen=seen), user=None, now=timezone.now())

    works = [lambda: buy(lamp, vase), lambda: buy(vase, lamp), give_back, deliver, lambda: put_on_hand(vase, 4)]
    failures = race(*(works * 2))

    assert {type(failure) for failure in failures} <= {ledger.StaleStockError, stock.SoldOutError}
    assert StockMovement.objects.filter(kind=Kind.RETURN).count() == 1
    assert StockMovement.objects.filter(kind=Kind.DELIVERY).count() <= 1
    assert (on_hand(lamp), on_hand(vase)) >= (0, 0)


@pytest.mark.django_db(transaction=True)
def test_sale_of_one_order_by_many_happens_once():
    lamp = add_goods(make_shop(), "amber", "Lamp", on_hand=5)
    reference = uuid.uuid4()
    stock.hold(reference, {lamp.pk: 1}, later(minutes=5), timezone.now())
    assert race(*[lambda: stock.take(reference, timezone.now())] * 6) == []
    assert on_hand(lamp) == 4


@pytest.mark.django_db(transaction=True)
def test_deletion_waits_for_a_hold_under_way():
    lamp = add_goods(make_shop(), "amber", "Lamp", on_hand=5)

    is_held = threading.Event()

    def hold_slowly():
        with transaction.atomic():
            stock.hold(uuid.uuid4(), {lamp.pk: 1}, later(minutes=5), timezone.now())
            is_held.set()
            time.sleep(0.3)  # the deletion looks for holds meanwhile, and must wait

    def delete():
        is_held.wait(timeout=20)
        lamp.product.delete()

    assert [type(failure) for failure in race(hold_slowly, delete)] == [ProtectedError]
    assert StockHold.objects.count() == Product.objects.count() == 1
