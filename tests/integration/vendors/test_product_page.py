"""What a product's page says of prices and stock, and where its form and its links lead."""

import re

from tests.support.html import flat
from tests.support.shop import add_goods, put_on_hand
from vendors.models import ProductImage, Variant


def test_variants_with_prices_and_stock_words(shop, shopper):
    small = add_goods(shop, "amber", "Jug", price=1800, on_hand=0)
    Variant.objects.filter(pk=small.pk).update(name="Small")
    for name, price, left in (("Middle", 2400, 3), ("Large", 3000, 40)):
        variant = Variant.objects.create(product=small.product, sku=name, name=name, price=price, position=price)
        put_on_hand(variant, left)

    text = flat(shopper.on("amber.localhost", "/products/jug/"))

    notes = re.findall(r'choice__name">(\w+)</span>\s*<span class="choice__note">([^<]*?)\s*</span>', text)
    assert notes == [("Small", "Sold out"), ("Middle", "Only 3 left"), ("Large", "In stock")]
    assert re.findall(r'choice__price">([^<]*)<', text) == ["€18.00", "€24.00", "€30.00"]
    assert re.findall(r'type="radio" name="variant" value="\d+" required( checked)?( disabled)?', text) == [
        ("", " disabled"),
        (" checked", ""),
        ("", ""),
    ]


def test_single_variant_needs_no_choice(shop, shopper):
    variant = add_goods(shop, "amber", "Jug", price=1800)

    text = flat(shopper.on("amber.localhost", "/products/jug/"))

    assert f'<input type="hidden" name="variant" value="{variant.pk}">' in text
    assert '<form class="stack" action="/cart/add/" method="post"' in text
    assert 'name="next" value="/products/jug/"' in text


def test_sold_out_has_no_form(shop, shopper):
    add_goods(shop, "amber", "Jug", on_hand=0)

    text = flat(shopper.on("amber.localhost", "/products/jug/"))

    assert "Sold out" in text
    assert 'action="/cart/add/"' not in text


def test_pager_walks_the_shelf(shop, shopper):
    for name in ("Bowl", "Cup", "Dish"):
        add_goods(shop, "amber", name)

    ends = {slug: flat(shopper.on("amber.localhost", f"/products/{slug}/")) for slug in ("bowl", "cup", "dish")}

    along = {slug: re.findall(r'along__link[^>]*href="([^"]*)" rel="(\w+)"', text) for slug, text in ends.items()}
    assert along == {
        "bowl": [("/products/cup/", "next")],
        "cup": [("/products/bowl/", "prev"), ("/products/dish/", "next")],
        "dish": [("/products/cup/", "prev")],
    }


def test_picture_has_renditions_and_a_size(shop, shopper):
    product = add_goods(shop, "amber", "Jug").product
    ProductImage.objects.create(product=product, file="products/jug.webp", alt="A jug", width=1200, height=1200)

    text = flat(shopper.on("amber.localhost", "/products/jug/"))

    assert (
        'srcset="/media/products/jug-300.webp 300w, /media/products/jug-600.webp 600w, /media/products/jug.webp 1200w"'
    ) in text
    assert 'width="1200" height="1200" alt="A jug"' in text


def test_delivery_of_this_vendor(shop, shopper):
    add_goods(shop, "amber", "Jug")

    words = "Standard delivery: €4.50 to Ireland, free from €50.00, "
    assert words in flat(shopper.on("amber.localhost", "/products/jug/"))
    assert "€4.50" in flat(shopper.on("amber.localhost", "/delivery/"))


def test_many_variants_are_a_select(shop, shopper):
    first = add_goods(shop, "amber", "Boot", price=9000, on_hand=2)
    for size in range(37, 47):
        Variant.objects.create(product=first.product, sku=f"B{size}", name=f"EU {size}", price=9000)

    text = flat(shopper.on("amber.localhost", "/products/boot/"))

    assert len(re.findall(r"<option value=", text)) == 11
    assert len(re.findall(r"<option value=\"\d+\" disabled>", text)) == 10
    assert 'type="radio"' not in text
