"""A variant's own page: its money as money, its sale, its SKU, and what keeps it on sale."""

import html

import pytest
from django.test import Client
from django.urls import reverse

from mall.accounts.models import User
from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_side
from vendors.models import DeliveryZone, Product, Variant

ADD = reverse("admin:vendors_variant_add")
SALE = {
    "sale_price": "9,00", "sale_from_0": "2026-12-02", "sale_from_1": "10:00:00", "sale_until_0": "2026-12-01",
    "sale_until_1": "10:00:00",
}  # fmt: skip


def change(variant):
    return reverse("admin:vendors_variant_change", args=[variant.pk])


def save(client, url, **changes) -> str:
    """Save the form with changes; the page's words, empty where it was saved."""
    answer = client.post(url, form_data(client.get(url)) | changes)
    assert answer.status_code in {200, 302}
    return "" if answer.status_code == 302 else html.unescape(answer.content.decode())


def test_money_is_shown_and_typed_in_the_currency(clerk, side):
    variant = side.rows[Variant]
    page = clerk.get(change(variant)).content.decode()
    assert 'name="price" value="10.00"' in page
    assert "EUR" in page
    assert save(clerk, change(variant), price="12,5", sale_price="9.99") == ""
    variant.refresh_from_db()
    assert (variant.price, variant.sale_price) == (1250, 999)


@pytest.mark.parametrize(
    ("currency", "shown", "typed", "minor"), [("JPY", "1000", "1,250", 1250), ("KWD", "1.000", "1,25", 1250)]
)
def test_each_currency_has_its_decimals(clerk, side, currency, shown, typed, minor):
    market = side.vendor.marketplace
    market.currency = currency
    market.save()
    variant = side.rows[Variant]
    assert form_data(clerk.get(change(variant)))["price"] == shown
    assert save(clerk, change(variant), price=typed) == ""
    assert Variant.objects.get().price == minor


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (SALE, "The sale ends before it begins."),
        ({"sale_price": "10"}, "A sale price is below the price."),
        ({"price": "0"}, "A price is more than nothing."),
        ({"price": "1.234"}, "may be"),
        ({"price": "12.5055"}, "more than 2 decimals"),
        ({"price": "-1"}, "is no amount"),
        ({"sku": "la\0mp"}, "Null characters are not allowed."),
        ({"withdrawn": "on"}, "the last variant on sale of a published product"),
        ({"sku": "taken"}, "Shade has the SKU taken already."),
    ],
)
def test_what_cannot_be_is_refused_in_words_with_the_text_kept(clerk, side, changes, said):
    shade = Product.objects.create(vendor=side.vendor, category=side.rows[Product].category, name="Shade", slug="shade")
    Variant.objects.create(product=shade, sku="taken", price=1)
    page = save(clerk, change(side.rows[Variant]), **changes)
    assert said in page
    assert "vendors_variant_" not in page.replace("vendors_variant_change", "")
    assert Variant.objects.filter(pk=side.rows[Variant].pk, price=1000, withdrawn=False, sku="Amber-1").exists()


def test_variant_is_added_to_a_product_of_ones_own(clerk, side):
    product = side.rows[Product]
    other = make_side("Basalt", side.vendor.marketplace).rows[Product]
    filled = {"name": "Large", "sku": "large", "price": "15,00", "position": "1"}
    assert save(clerk, f"{ADD}?product={product.pk}", **filled) == ""
    assert Variant.objects.get(sku="large").stock.on_hand == 0
    assert "Select a valid choice" in save(clerk, ADD, **filled, product=other.pk)
    assert "This field is required" in save(clerk, ADD, **filled | {"sku": "none"}, product="")


def test_two_variants_on_sale_have_not_the_same_values(clerk, side):
    product = side.rows[Product]
    Variant.objects.update(option_values={"Size": "S"}, name="S")
    twin = Variant.objects.create(
        product=product, sku="twin", price=1, option_values={"Size": "S"}, name="S", withdrawn=True
    )
    data = form_data(clerk.get(change(twin)))
    del data["withdrawn"]
    assert "Another variant on sale has the same values." in clerk.post(change(twin), data).content.decode()
    assert Variant.objects.get(pk=twin.pk).withdrawn


def test_charges_of_a_zone_are_money_too(side):
    boss = Client(headers={"host": MASTER})
    boss.force_login(User.objects.create_superuser("boss@example.org"))
    zone = side.rows[DeliveryZone]
    url = reverse("admin:vendors_deliveryzone_change", args=[zone.pk])
    assert save(boss, url, standard_charge="4,50", express_charge="", free_from="50") == ""
    zone.refresh_from_db()
    assert (zone.standard_charge, zone.express_charge, zone.free_from) == (450, None, 5000)
    assert "is no amount" in save(boss, url, standard_charge="four")
