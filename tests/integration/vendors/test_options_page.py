"""Options of a product make its variants, on a page that first shows what it would do."""

import html

import pytest
from django.urls import reverse

from tests.support.html import form_data
from tests.support.two_vendors import make_side
from vendors.models import Product, Stock, StockMovement, Variant

SIZES = {"name_0": "Size", "values_0": "S, M, L", "price": "12,50", "sku_pattern": "TEE-{Size}", "pieces": "4"}


def page(side):
    return reverse("admin:vendors_product_options", args=[side.rows[Product].pk])


def press(client, side, button="save", seen=None, **changes):
    data = (seen or form_data(client.get(page(side)))) | {"button": button} | changes
    return client.post(page(side), data)


def words(response) -> str:
    return html.unescape(response.content.decode())


def on_sale():
    rows = Variant.objects.filter(withdrawn=False).order_by("position")
    return list(rows.values_list("name", "sku", "price", "stock__on_hand"))


def test_options_make_variants_that_can_be_sold_at_once(clerk, side):
    Variant.objects.update(name="S")
    answer = press(clerk, side, **SIZES)
    assert answer["Location"].endswith(f"/variant/?product={side.rows[Product].pk}")
    assert on_sale() == [("S", "Amber-1", 1000, 5), ("M", "TEE-M", 1250, 4), ("L", "TEE-L", 1250, 4)]
    first = StockMovement.objects.filter(why="First stock")
    assert {(each.quantity, each.user) for each in first} == {(4, side.staff["catalogue"])}
    assert Product.objects.get().options == [{"name": "Size", "values": ["S", "M", "L"]}]


def test_preview_changes_nothing(clerk, side):
    Variant.objects.update(name="S")
    text = words(press(clerk, side, "show", **SIZES))
    assert "2 new:" in text
    assert "TEE-L" in text
    assert Variant.objects.count() == 1
    assert Product.objects.get().options == []


def test_value_that_goes_withdraws_its_variant_and_one_that_comes_back_brings_it(clerk, side):
    Variant.objects.update(name="S")
    press(clerk, side, **SIZES)
    press(clerk, side, values_0="M, L")
    assert [row[0] for row in on_sale()] == ["M", "L"]
    assert Variant.objects.filter(name="S", withdrawn=True).exists()
    press(clerk, side, values_0="S, M, L")
    assert on_sale()[0] == ("S", "Amber-1", 1000, 5)


def test_two_pages_at_once_make_no_variant_twice(clerk, side):
    seen = form_data(clerk.get(page(side)))
    press(clerk, side, seen=seen, **SIZES)
    before = on_sale()
    refused = words(press(clerk, side, seen=seen, **SIZES | {"values_0": "S, M, XL", "sku_pattern": "T-{Size}"}))
    assert "changed while this page was open" in refused
    assert 'value="S, M, XL"' in refused  # what was typed is kept
    assert on_sale() == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"price": ""}, "New variants need a price"),
        ({"price": "0"}, "New variants need a price"),
        ({"price": "a lot"}, "is no amount"),
        ({"values_0": ""}, "Type its values"),
        ({"name_0": ""}, "Say what the values are"),
        ({"name_1": "size", "values_1": "A"}, "Two options have the same name."),
        ({"values_0": ", ".join(map(str, range(1001)))}, "a product has 1000 at most"),
        ({"values_0": "Ä, ä"}, "would be there twice"),
        ({"values_0": "x" * 90}, "more than 80 characters"),
        ({"sku_pattern": "x" * 40 + "{Size}"}, "more than 40 characters"),
        ({"sku_pattern": "Amber-1", "values_0": "Q", "name_0": "Size"}, "has the SKU Amber-1 already"),
        ({"pieces": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_be_is_refused_in_words(clerk, side, changes, said):
    Variant.objects.update(name="Gift")
    before = on_sale()
    assert said in words(press(clerk, side, **SIZES | changes))
    assert on_sale() == before
    assert Product.objects.get().options == []


@pytest.mark.parametrize(("pattern", "sku"), [("TEE", "TEE-S"), ("", "S"), ("{size}-TEE", "S-TEE")])
def test_option_that_the_sku_leaves_out_comes_at_its_end(clerk, side, pattern, sku):
    press(clerk, side, **SIZES | {"sku_pattern": pattern})
    assert Variant.objects.filter(sku=sku).exists()


def test_published_product_keeps_something_to_sell(clerk, side):
    Variant.objects.update(name="S")
    press(clerk, side, **SIZES)
    Variant.objects.exclude(name="S").update(withdrawn=True)
    assert "needs a variant that is not withdrawn" in words(press(clerk, side, values_0="M, L"))
    assert [row[0] for row in on_sale()] == ["S"]


def test_500_variants_are_made_listed_and_their_product_is_edited(clerk, side):
    """More fields than Django takes stood on the product's page, and a bare 400 was the answer."""
    Variant.objects.update(name="0 · A")
    values = {"values_0": ", ".join(map(str, range(50))), "name_1": "Colour", "values_1": ", ".join("ABCDEFGHIJ")}
    press(clerk, side, **SIZES | values | {"sku_pattern": "T-{Size}-{Colour}"})
    product = side.rows[Product]
    assert Stock.objects.filter(variant__product=product, variant__withdrawn=False).count() == 500
    change = reverse("admin:vendors_product_change", args=[product.pk])
    form = form_data(clerk.get(change))
    assert "variants-TOTAL_FORMS" not in form
    assert clerk.post(change, form | {"name": "Tee"}).status_code == 302
    assert Product.objects.get(pk=product.pk).name == "Tee"
    listed = clerk.get(reverse("admin:vendors_variant_changelist"), {"product": product.pk})
    assert "Variants of Tee" in words(listed)
    assert "500 variants" in words(listed)


def test_product_of_another_vendor_is_not_there(clerk, side):
    other = make_side("Basalt", side.vendor.marketplace)
    answer = clerk.get(page(other), follow=True)
    assert "no such product among yours" in words(answer)
    assert "Basalt" not in words(answer)
