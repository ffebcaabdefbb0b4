from dataclasses import replace

import pytest
from django.utils import timezone

from cart.checkout.errors import CartChangedError, CartNotBuyableError, DraftExpiredError, PriceIncreasedError
from cart.checkout.payments.sandbox.models import Charge
from cart.checkout.prepare import prepare_order
from cart.checkout.services import start_payment
from cart.models import Cart
from cart.orders.models import Consignment, Order, Payment
from cart.services import change_quantity
from cart.summary import summarise_cart
from sessions_farm.communities.visitors.merging import merge_visitors
from tests.support.shop import (
    HERE,
    add_goods,
    begin,
    later,
    order_of,
    put,
    put_on_hand,
    request_of,
    set_tariff,
    visitor_with,
)
from vendors import stock
from vendors.models import StockHold


def press_pay(visitor, checkout_request, now=None):
    return prepare_order(visitor=visitor, user=None, checkout_request=checkout_request, now=now or timezone.now())


def test_order_copies_the_cart_and_adds_up(shop):
    lamp, vase = add_goods(shop, "amber", "Lamp", price=1250), add_goods(shop, "basalt", "Vase", price=4000)
    visitor = visitor_with(shop, lamp=(lamp, 2), vase=(vase, 1))
    order = press_pay(visitor, request_of(visitor, express=["basalt"])).order
    assert (order.goods_total, order.delivery_total, order.total) == (6500, 450 + 900, 7850)
    consignments = list(order.consignments.all())
    assert [each.number for each in consignments] == [f"{order.number}-1", f"{order.number}-2"]
    assert sum(each.total for each in consignments) == order.total
    assert [each.delivery_method for each in consignments] == ["standard", "express"]
    assert all(each.goods_total == sum(line.total for line in each.lines.all()) for each in consignments)
    assert {hold.variant_id: hold.quantity for hold in StockHold.objects.all()} == {lamp.pk: 2, vase.pk: 1}


def test_same_idempotency_key_makes_one_order_and_one_charge(shop):
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    checkout_request = request_of(visitor)
    urls = {
        start_payment(visitor=visitor, user=None, checkout_request=checkout_request, now=timezone.now())
        for _ in range(3)
    }
    assert len(urls) == Order.objects.count() == Payment.objects.count() == Charge.objects.count() == 1


def test_price_rise_asks_again_and_a_fall_is_passed_on(shop):
    lamp = add_goods(shop, "amber", "Lamp", price=1000)
    visitor = visitor_with(shop, lamp=(lamp, 2))
    checkout_request = request_of(visitor)
    lamp.price = 1001
    lamp.save()
    with pytest.raises(PriceIncreasedError) as increase:
        press_pay(visitor, checkout_request)
    assert increase.value.total == 2452
    assert not Order.objects.exists()
    assert not StockHold.objects.exists()
    lamp.price = 900
    lamp.save()
    assert press_pay(visitor, checkout_request).order.total == 2250


def test_line_that_rose_is_told_though_another_fell_more(shop):
    lamp, pot = add_goods(shop, "amber", "Lamp", price=1000), add_goods(shop, "amber", "Pot", price=2000)
    visitor = visitor_with(shop, lamp=(lamp, 1), pot=(pot, 1))
    checkout_request = request_of(visitor)
    lamp.price, pot.price = 1100, 1000
    lamp.save()
    pot.save()
    with pytest.raises(PriceIncreasedError) as increase:
        press_pay(visitor, checkout_request)
    assert [(each.name, each.agreed, each.now) for each in increase.value.increases] == [("Lamp", 1000, 1100)]


def test_draft_serves_only_the_amount_that_was_agreed(shop):
    """Pay, Back at the gateway, and the price fell: the button and the gateway say the same."""
    lamp = add_goods(shop, "amber", "Lamp", price=5000)
    visitor = visitor_with(shop, lamp=(lamp, 1))
    dear = press_pay(visitor, request_of(visitor))
    lamp.price = 2500
    lamp.save()
    cheap = press_pay(visitor, request_of(visitor))

    assert (cheap.order.total, cheap.payment.amount) == (2950, 2950)
    assert [payment.pk for payment in cheap.superseded] == [dear.payment.pk]
    assert Order.objects.get(pk=dear.order.pk).state == Order.State.EXPIRED


def test_address_that_was_corrected_since_the_page_asks_again(shop):
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    begin(visitor)
    page = request_of(visitor)
    corrected = replace(page, contact=page.contact | {"line1": "2 Quay Street"})  # in another window, for all pages
    with pytest.raises(CartChangedError):
        start_payment(visitor=visitor, user=None, checkout_request=corrected, now=timezone.now())
    start_payment(visitor=visitor, user=None, checkout_request=page, now=timezone.now())


def test_dearer_delivery_asks_again(shop):
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    checkout_request = request_of(visitor)
    set_tariff(shop.vendors["amber"], standard_charge=500)
    with pytest.raises(PriceIncreasedError):
        press_pay(visitor, checkout_request)


def test_cart_that_changed_in_another_tab_asks_again(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    visitor = visitor_with(shop, lamp=(lamp, 2))
    checkout_request = request_of(visitor)
    change_quantity(cart=Cart.objects.get(visitor=visitor), variant_id=lamp.pk, quantity=1, now=timezone.now())
    with pytest.raises(CartChangedError):
        press_pay(visitor, checkout_request)


def test_another_visitors_idempotency_key_is_of_no_use(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    mine = visitor_with(shop, lamp=(lamp, 2))
    press_pay(mine, request_of(mine))
    theirs = visitor_with(shop, lamp=(lamp, 1))
    with pytest.raises(CartChangedError):
        press_pay(theirs, replace(request_of(theirs), review_key=request_of(mine).review_key))


def test_goods_that_are_gone_are_sold_out_and_nothing_stays(shop):
    lamp, vase = add_goods(shop, "amber", "Lamp"), add_goods(shop, "basalt", "Vase", on_hand=2)
    visitor = visitor_with(shop, lamp=(lamp, 1), vase=(vase, 2))
    checkout_request = request_of(visitor)
    put_on_hand(vase, 1)
    with pytest.raises(stock.SoldOutError) as gone:
        press_pay(visitor, checkout_request)
    assert (gone.value.variant_id, gone.value.wanted, gone.value.available) == (vase.pk, 2, 1)
    assert not StockHold.objects.exists()
    assert not Order.objects.exists()


def test_goods_that_are_withdrawn_cannot_be_bought(shop):
    lamp = add_goods(shop, "amber", "Lamp")
    visitor = visitor_with(shop, lamp=(lamp, 1))
    checkout_request = request_of(visitor)
    lamp.product.status = "withdrawn"
    lamp.product.save()
    with pytest.raises(CartNotBuyableError):
        press_pay(visitor, checkout_request)


def test_own_hold_is_not_in_the_way_of_the_next_try(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=1)
    visitor = visitor_with(shop, lamp=(lamp, 1))
    first = begin(visitor)
    second = begin(visitor, line1="2 Quay Street")
    assert order_of(first).state == Order.State.EXPIRED
    assert order_of(second).state == Order.State.DRAFT
    first.refresh_from_db()
    assert first.state == Payment.State.DECLINED  # closed at the gateway, so it cannot be paid any more
    assert Charge.objects.get(reference=first.reference).state == Charge.State.CANCELLED
    assert stock.available([lamp.pk], timezone.now()) == {lamp.pk: 0}


def test_superseded_draft_gives_up_its_consignments(shop):
    visitor = visitor_with(shop, lamp=(add_goods(shop, "amber", "Lamp"), 1))
    order = order_of(begin(visitor))
    put(visitor, add_goods(shop, "basalt", "Vase"))
    begin(visitor)
    assert set(order.consignments.values_list("state", flat=True)) == {Consignment.State.CANCELLED}


def test_hold_ends_by_the_clock_and_is_not_renewed_for_ever(shop):
    lamp = add_goods(shop, "amber", "Lamp", on_hand=1)
    visitor = visitor_with(shop, lamp=(lamp, 1))
    checkout_request = request_of(visitor)
    press_pay(visitor, checkout_request)
    assert stock.available([lamp.pk], later(minutes=14)) == {lamp.pk: 0}
    assert stock.available([lamp.pk], later(minutes=16)) == {lamp.pk: 1}
    press_pay(visitor, checkout_request, now=later(minutes=20))
    assert stock.available([lamp.pk], later(minutes=34)) == {lamp.pk: 0}
    press_pay(visitor, checkout_request, now=later(minutes=40))
    assert stock.available([lamp.pk], later(minutes=46)) == {lamp.pk: 1}
    with pytest.raises(DraftExpiredError):
        press_pay(visitor, checkout_request, now=later(minutes=46))


def test_prices_that_were_agreed_to_are_no_change_any_more(shop):
    lamp = add_goods(shop, "amber", "Lamp", price=1000)
    visitor = visitor_with(shop, lamp=(lamp, 1))
    lamp.price = 1100
    lamp.save()
    begin(visitor)
    assert Cart.objects.get(visitor=visitor).lines.get().seen_price == 1100


def test_hold_follows_its_owner_into_the_account(shop):
    """Signing in half-way, with the last one on hold, leaves it to its holder."""
    lamp = add_goods(shop, "amber", "Lamp", on_hand=1)
    visitor, account = visitor_with(shop, lamp=(lamp, 1)), visitor_with(shop)
    press_pay(visitor, request_of(visitor))
    merge_visitors(source=visitor, target=account, now=timezone.now())

    [line] = summarise_cart(account, HERE, timezone.now())
    assert line.is_available
    assert press_pay(account, request_of(account)).order.total
