"""One change of price, sale and stock over the selected variants, each against what was seen of it."""

import html

import pytest
from auditlog.models import LogEntry
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from sessions_farm.communities.models import Community
from tests.support.html import form_data
from tests.support.shop import put_on_hand
from tests.support.two_vendors import MASTER, make_side
from vendors.bulk_edit import Adjustment, Amount
from vendors.models import Category, Marketplace, Product, Stock, StockMovement, Variant, Vendor

LIST = reverse("admin:vendors_variant_changelist")
PAGE = reverse("admin:vendors_variant_bulk")


@pytest.fixture
def lamp(side):
    return side.rows[Variant]


@pytest.fixture
def vase(lamp):
    return Variant.objects.create(product=lamp.product, name="Vase", sku="vase", price=999)


def select(client, *variants, action="change_selected"):
    return client.post(LIST, {"action": action, "_selected_action": [each.pk for each in variants]})


def change(client, seen, button="save", **fields):
    return client.post(PAGE, form_data(seen) | {"button": button} | fields)


def words(response) -> str:
    return html.unescape(response.content.decode())


def prices():
    return dict(Variant.objects.values_list("sku", "price"))


def on_hand(variant) -> int:
    return Stock.objects.get(pk=variant.pk).on_hand


@pytest.mark.parametrize(
    ("way", "value", "new"),
    [("set", 1200, 1200), ("raise-percent", 10, 1099), ("lower-percent", 50, 500), ("raise-amount", 1, 1000),
     ("lower-amount", 999, 0)],
)  # fmt: skip
def test_adjustments_are_rounded_half_up(way, value, new):
    assert Amount(Adjustment(way), value).of(999) == new


def test_price_sale_and_stock_are_changed_at_once(clerk, side, lamp, vase):
    answer = change(
        clerk, select(clerk, lamp, vase), price_way="raise-percent", price_by="10", sale_way="lower-amount",
        sale_by="0,50", sale_from_0="2026-12-01", sale_from_1="10:00", sale_until_0="2026-12-24",
        sale_until_1="20:00:00", stock_kind="delivery", stock_pieces="3",
    )  # fmt: skip
    assert answer.status_code == 302
    assert prices() == {lamp.sku: 1100, "vase": 1099}
    vase.refresh_from_db()
    assert (vase.sale_price, vase.sale_from.day, vase.sale_until.day) == (1049, 1, 24)
    assert (on_hand(lamp), on_hand(vase)) == (8, 3)
    assert StockMovement.objects.filter(kind="delivery", user=side.staff["catalogue"]).count() == 2


def test_each_change_is_in_the_audit_log_with_who_from_and_to(clerk, side, lamp, vase):
    change(clerk, select(clerk, lamp, vase), price_way="set", price_by="7")
    entries = LogEntry.objects.filter(content_type__model="variant", action=LogEntry.Action.UPDATE)
    assert {(each.object_pk, *each.changes["price"]) for each in entries} == {
        (str(lamp.pk), "1000", "700"), (str(vase.pk), "999", "700"),
    }  # fmt: skip
    assert {each.actor for each in entries} == {side.staff["catalogue"]}


def test_preview_shows_the_new_prices_and_changes_nothing(clerk, lamp):
    shown = change(clerk, select(clerk, lamp), "show", price_way="lower-percent", price_by="12.5")
    assert "€8.75" in words(shown)
    assert prices() == {lamp.sku: 1000}
    assert change(clerk, shown).status_code == 302, "the page with the preview can be saved"
    assert prices() == {lamp.sku: 875}


def test_stale_variant_is_refused_and_the_others_are_changed_once(clerk, lamp, vase):
    seen = select(clerk, lamp, vase)
    Variant.objects.filter(pk=lamp.pk).update(price=1250)
    refused = change(clerk, seen, price_way="raise-amount", price_by="1")
    assert "the price was €10.00, and is €12.50 now" in words(refused)
    assert prices() == {lamp.sku: 1250, "vase": 1099}
    assert change(clerk, refused).status_code == 302, "what is left was seen now"
    assert prices() == {lamp.sku: 1350, "vase": 1099}


def test_stock_that_moved_since_is_refused_with_the_price(clerk, lamp):
    seen = select(clerk, lamp)
    put_on_hand(lamp, 2)
    refused = change(clerk, seen, price_way="set", price_by="7", stock_kind="count", stock_pieces="5")
    assert "5 were on hand, now 2" in words(refused)
    assert (on_hand(lamp), prices()) == (2, {lamp.sku: 1000})


def test_variant_that_was_deleted_meanwhile_is_said(clerk, lamp, vase):
    seen = select(clerk, lamp, vase)
    vase.delete()
    assert "no longer there" in words(change(clerk, seen, price_way="set", price_by="7"))
    assert prices() == {lamp.sku: 700}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose what to change"),
        ({"price_way": "set", "price_by": "0"}, "A price is more than nothing."),
        ({"price_way": "lower-amount", "price_by": "10"}, "A price is more than nothing."),
        ({"price_way": "set", "price_by": ""}, "Type by how much."),
        ({"price_way": "set", "price_by": "1,234"}, "may be"),
        ({"price_way": "raise-percent", "price_by": "NaN"}, "Type a percentage"),
        ({"price_way": "raise-percent", "price_by": "1e9"}, "Type a percentage"),
        ({"price_by": "3"}, "Say what to do with the amount."),
        ({"sale_way": "set", "sale_by": "10"}, "would not be below the price €10.00"),
        ({"sale_way": "set", "sale_by": "5", "sale_from_0": "2026-12-02", "sale_from_1": "10:00",
          "sale_until_0": "2026-12-01", "sale_until_1": "10:00"}, "The sale ends before it begins."),
        ({"stock_kind": "correction", "stock_pieces": "-1"}, "Say why you correct"),
        ({"stock_kind": "correction", "stock_pieces": "-9", "stock_why": "Lost"}, "fewer than none"),
        ({"stock_pieces": "3"}, "Say what it is"),
        ({"offer": "withdraw"}, "the last variant on sale of a published product"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(clerk, lamp, fields, said):
    answer = change(clerk, select(clerk, lamp), **fields)
    assert answer.status_code == 200
    assert said in words(answer)
    assert (prices(), on_hand(lamp)) == ({lamp.sku: 1000}, 5)


def test_sale_ends_and_variants_are_withdrawn_and_offered_again(clerk, lamp, vase):
    Variant.objects.filter(pk=lamp.pk).update(sale_price=500)
    change(clerk, select(clerk, lamp), sale_way="end", offer="withdraw")
    lamp.refresh_from_db()
    assert (lamp.sale_price, lamp.withdrawn) == (None, True)
    change(clerk, select(clerk, lamp), offer="offer")
    lamp.refresh_from_db()
    assert not lamp.withdrawn


def test_variants_of_another_vendor_are_neither_selected_nor_changed(clerk, side, lamp):
    other = make_side("Basalt", side.vendor.marketplace)
    theirs = other.rows[Variant]
    assert theirs.name not in words(select(clerk, lamp, theirs))
    stranger = Client(headers={"host": MASTER})
    stranger.force_login(other.staff["owner"])
    forged = change(clerk, select(stranger, theirs), price_way="set", price_by="1")  # signed for another
    assert "Basalt" not in words(forged)
    assert Variant.objects.get(pk=theirs.pk).price == 1000


def test_forged_selection_and_a_bare_address_change_nothing(clerk, lamp):
    forged = form_data(select(clerk, lamp)) | {"selection": "forged", "price_way": "set", "price_by": "1"}
    answer = clerk.post(PAGE, forged | {"button": "save"}, follow=True)
    assert "None of the selected variants is there" in words(answer)
    assert clerk.get(PAGE).status_code == 302
    assert prices() == {lamp.sku: 1000}


def test_two_currencies_are_not_changed_at_once(side, lamp):
    market = Marketplace.objects.create(
        community=Community.objects.create(slug="tide", name="Tide", cookie_name="tide"), currency="JPY"
    )
    vendor = Vendor.objects.create(marketplace=market, name="Nami", slug="nami")
    category = Category.objects.create(marketplace=market, slug="nets", name="Nets")
    product = Product.objects.create(vendor=vendor, category=category, name="Net", slug="net")
    net = Variant.objects.create(product=product, sku="net", price=500)
    boss = Client(headers={"host": MASTER})
    boss.force_login(User.objects.create_superuser("boss@example.org"))
    answer = boss.post(LIST, {"action": "change_selected", "_selected_action": [lamp.pk, net.pk]}, follow=True)
    assert "Select variants of one currency." in words(answer)
    assert change(boss, select(boss, net), price_way="raise-amount", price_by="100").status_code == 302
    assert Variant.objects.get(pk=net.pk).price == 600
