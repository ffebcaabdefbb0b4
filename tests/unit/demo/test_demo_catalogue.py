"""The demo's content: enough of it, readable, consistent, and no text twice."""

from collections import Counter

import pytest
from PIL import Image

from deploy.demo import catalogue, pictures, trade
from vendors.models import Category, Product, ProductImage, Variant, Vendor
from vendors.palette import contrast

PRODUCTS = list(catalogue.goods())
VENDORS = {vendor.slug: vendor for vendor in catalogue.vendors()}


def longest(model, field):
    return model._meta.get_field(field).max_length


def test_there_is_enough_to_walk_through():
    assert len(VENDORS) >= 8
    assert len(PRODUCTS) >= 130
    assert sum(not vendor.domain for vendor in VENDORS.values()) >= 5
    assert {vendor.department for vendor in VENDORS.values()} == {
        "http",
        "email",
        "sftp",
        "ftp",
        "pull_http",
        "pull_ftp",
        "agent",
    }


@pytest.mark.parametrize("slug", VENDORS)
def test_a_palette_can_be_read(slug):
    ink, paper, accent = (VENDORS[slug].fields[name] for name in ("ink", "paper", "accent"))
    assert contrast(ink, paper) >= 7
    assert max(contrast("#ffffff", accent), contrast(paper, accent)) >= 4.5


def test_no_two_vendors_look_alike():
    looks = [(vendor.fields["accent"], vendor.fields["paper"]) for vendor in VENDORS.values()]
    assert len(set(looks)) == len(looks)
    assert len({vendor.fields["typeface"] for vendor in VENDORS.values()}) == 4


def test_categories_are_known_and_hold_more_than_one_vendor_somewhere():
    known = {category.slug for mall in catalogue.malls() for category in mall.categories}
    used = {(product.category, vendor.slug) for vendor, product in PRODUCTS}
    assert {category for category, _ in used} == known
    shared = Counter(category for category, _ in used)
    assert sum(count > 1 for count in shared.values()) >= 8
    assert all(len(slug) <= longest(Category, "slug") for slug in known)


def test_texts_fit_and_none_is_used_twice():
    for vendor in VENDORS.values():
        assert len(vendor.fields["tagline"]) <= longest(Vendor, "tagline")
    for _, product in PRODUCTS:
        assert len(product.name) <= longest(Product, "name")
        assert len(product.summary) <= longest(Product, "summary")
        assert len(product.alt) <= longest(ProductImage, "alt")
    for texts in (
        [product.description for _, product in PRODUCTS],
        [product.summary for _, product in PRODUCTS],
        [product.alt for _, product in PRODUCTS],
        [vendor.fields["returns_text"] for vendor in VENDORS.values()],
    ):
        assert all(texts)
        assert len(set(texts)) == len(texts)


def test_variants_have_prices_stock_and_skus_of_their_own():
    variants = [variant for _, product in PRODUCTS for variant in product.variants]
    skus = [variant.sku for variant in variants]
    assert len(set(skus)) == len(skus)
    assert all(len(sku) <= longest(Variant, "sku") for sku in skus)
    assert all(variant.price > 0 for variant in variants)
    assert all(variant.sale is None or 0 < variant.sale < variant.price for variant in variants)
    on_sale = sum(variant.sale is not None for variant in variants)
    sold_out = sum(variant.stock == 0 for variant in variants)
    low = sum(0 < variant.stock <= 3 for variant in variants)
    assert on_sale >= 10
    assert sold_out >= 5
    assert low >= 10


def test_slugs_are_unique_within_a_vendor():
    slugs = [(vendor.slug, product.slug) for vendor, product in PRODUCTS]
    assert len(set(slugs)) == len(slugs)


def test_each_product_has_a_picture_and_each_picture_a_product():
    wanted = list(pictures.pictures())
    assert sum(picture.position == 0 for picture in wanted) == len(PRODUCTS)
    assert sum(picture.position == 1 for picture in wanted) >= 40
    assert {picture.file for picture in wanted} == set(pictures.FOLDER.glob("*.webp"))


def test_pictures_are_square_small_and_all_different():
    files = {picture.file for picture in pictures.pictures()}
    assert len({file.read_bytes() for file in files}) == len(files)
    assert sum(file.stat().st_size for file in files) < 5_000_000
    for file in files:
        with Image.open(file) as image:
            assert (image.format, image.size) == ("WEBP", (1200, 1200)), file.name


def test_past_trade_is_the_same_each_time_and_names_real_goods():
    first, second = trade.purchases(), trade.purchases()
    assert first == second
    assert len({purchase.number for purchase in first}) == len(first)
    for purchase in first:
        assert set(purchase.states) == {line.vendor for line in purchase.lines}
        for line in purchase.lines:
            assert catalogue.variant(line).price > 0


def test_a_line_that_names_nothing_is_refused():
    with pytest.raises(KeyError):
        catalogue.variant(catalogue.LineEntry("fowlers", "no-such-thing", "", 1))
