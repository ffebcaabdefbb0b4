import threading
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cart import services
from cart.models import Cart, Line
from cart.summary import summarise_cart
from sessions_farm.communities.models import Visitor
from sessions_farm.communities.visitors.merging import merge_visitors
from tests.support.shop import HERE, add_goods, later, make_shop, put, put_on_hand, visitor_with
from vendors import stock


def quantities(visitor) -> dict[int, int]:
    return dict(Line.objects.filter(cart__visitor=visitor).values_list("variant_id", "quantity"))


def test_add_sums_and_stops_at_what_is_left(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=3)
    visitor = visitor_with(shop)
    assert put(visitor, lamp, 2).capped is False
    change = put(visitor, lamp, 2)
    assert (change.quantity, change.capped) == (3, True)
    assert quantities(visitor) == {lamp.pk: 3}


def test_add_counts_goods_that_others_hold(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=3)
    stock.hold(uuid4(), {lamp.pk: 2}, later(minutes=5), timezone.now())
    assert put(visitor_with(shop), lamp, 3).quantity == 1


def test_add_of_sold_out_goods_makes_no_line(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=0)
    visitor = visitor_with(shop)
    with pytest.raises(stock.SoldOutError):
        put(visitor, lamp)
    assert quantities(visitor) == {}


def test_add_of_withdrawn_goods_or_anothers_is_refused(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    visitor, now = visitor_with(shop), timezone.now()
    with pytest.raises(services.NotForSaleError):
        services.add_line(visitor=visitor, variant_id=lamp.pk, quantity=1, now=now, vendor_id=shop.vendors["basalt"].pk)
    lamp.product.status = "withdrawn"
    lamp.product.save()
    with pytest.raises(services.NotForSaleError):
        put(visitor, lamp)


def test_change_of_another_stores_line_is_refused(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    visitor = visitor_with(shop, lamp=(lamp, 2))
    cart = Cart.objects.get(visitor=visitor)
    with pytest.raises(services.NotForSaleError):
        services.remove_line(cart=cart, variant_id=lamp.pk, now=timezone.now(), vendor_id=shop.vendors["basalt"].pk)
    assert quantities(visitor) == {lamp.pk: 2}


def test_change_to_zero_removes_and_a_missing_line_is_no_error(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    visitor = visitor_with(shop, lamp=(lamp, 2))
    cart = Cart.objects.get(visitor=visitor)
    assert services.remove_line(cart=cart, variant_id=lamp.pk, now=timezone.now()).quantity == 0
    assert services.remove_line(cart=cart, variant_id=lamp.pk, now=timezone.now()) is None


def test_summary_shows_price_changes_and_what_cannot_be_bought(shop):
    lamp, vase = add_goods(shop, "amber", "Lamp", price=1000), add_goods(shop, "basalt", "Vase")
    visitor = visitor_with(shop, lamp=(lamp, 1), vase=(vase, 2))
    lamp.price = 1200
    lamp.save()
    put_on_hand(vase, 1)
    summary = summarise_cart(visitor, HERE, timezone.now())
    by_name = {line.variant.product.name: line for line in summary}
    assert by_name["Lamp"].price_rose
    assert by_name["Lamp"].seen_price == 1000
    assert not by_name["Vase"].is_available
    assert not summary.is_buyable


def test_summary_costs_the_same_queries_for_one_line_and_for_twelve(shop, django_assert_num_queries):
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    summarise_cart(visitor, HERE, timezone.now())  # the stores are read once a process
    with django_assert_num_queries(1):
        summarise_cart(visitor, HERE, timezone.now())
    for number in range(11):
        put(visitor, add_goods(shop, "basalt", f"Vase {number}"))
    with django_assert_num_queries(1):
        assert len(list(summarise_cart(visitor, HERE, timezone.now()))) == 12


def test_merge_sums_up_to_the_stock_and_does_nothing_twice(shop):
    lamp, vase = add_goods(shop, "amber", "Lamp", on_hand=3), add_goods(shop, "basalt", "Vase")
    source = visitor_with(shop, lamp=(lamp, 2), vase=(vase, 1))
    target = visitor_with(shop, lamp=(lamp, 2))
    assert merge_visitors(source=source, target=target, now=timezone.now())
    assert quantities(target) == {lamp.pk: 3, vase.pk: 1}
    merge_visitors(source=source, target=target, now=timezone.now())
    services.merge_carts(source=source, target=target, now=timezone.now())
    assert quantities(target) == {lamp.pk: 3, vase.pk: 1}


def test_merge_loses_no_line_where_nothing_is_left(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=5)
    source, target = visitor_with(shop, lamp=(lamp, 4)), visitor_with(shop)
    put_on_hand(lamp, 0)
    services.merge_carts(source=source, target=target, now=timezone.now())
    assert quantities(target) == {lamp.pk: 4}


def test_add_that_was_overtaken_by_a_merge_goes_to_the_merged_cart(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=9)
    source, target = visitor_with(shop), visitor_with(shop, lamp=(lamp, 2))
    merge_visitors(source=source, target=target, now=timezone.now())
    assert put(source, lamp).quantity == 3  # the request had asked who its visitor is before the merge
    assert quantities(target) == {lamp.pk: 3}


def test_merge_waits_for_an_add_that_is_under_way(transactional_db):
    shop = make_shop()
    lamp = add_goods(shop, "amber", "Lamp", on_hand=9)
    source, target = visitor_with(shop, lamp=(lamp, 1)), visitor_with(shop)

    def merge():
        try:
            merge_visitors(source=source, target=target, now=timezone.now())
        finally:
            connection.close()

    merging = threading.Thread(target=merge)
    with transaction.atomic():
        put(source, lamp)
        merging.start()
        merging.join(0.3)
        assert merging.is_alive()
    merging.join()
    assert (quantities(source), quantities(target)) == ({}, {lamp.pk: 2})


def test_parallel_adds_make_one_line_and_lose_no_piece(transactional_db):
    shop = make_shop()
    lamp = add_goods(shop, "amber", "Lamp", on_hand=50)
    visitor = Visitor.objects.create(community=shop.community)
    gate = threading.Barrier(8)

    def add():
        gate.wait()
        try:
            put(visitor, lamp)
        finally:
            connection.close()

    threads = [threading.Thread(target=add) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert quantities(visitor) == {lamp.pk: 8}


def test_withdrawn_variant_is_not_added_and_says_so_in_the_cart(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    visitor = visitor_with(shop, lamp=(lamp, 1))
    lamp.withdrawn = True
    lamp.save()
    with pytest.raises(services.NotForSaleError):
        put(visitor, lamp)

    [line] = summarise_cart(visitor, HERE, timezone.now())
    assert (line.for_sale, line.is_available) == (False, False)
