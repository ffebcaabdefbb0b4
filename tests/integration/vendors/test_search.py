"""Search over the demo's shops: the corpus of questions, and what pages say where they understood another word."""

import logging
import re

import pytest
from django.http import QueryDict
from django.utils import timezone

from deploy.demo.load import load
from tests.integration.vendors.test_listing import names
from tests.support.html import flat
from tests.support.search_corpus import QUESTIONS
from vendors import card_refresh
from vendors.listing import ListingScope, build_listing
from vendors.models import Marketplace, Product, ProductCard, Synonym, Variant, Vendor, VocabularyWord

logger = logging.getLogger(__name__)
MASTER = "mall.localhost"
ENOUGH = 0.95
FIRST_RESULTS = 6


@pytest.fixture
def demo(db, redis_client):
    load(now=timezone.now(), with_pictures=False, say=lambda _: None)
    return Marketplace.objects.get(community__slug="arcade")


def found(marketplace, words):
    query = QueryDict(mutable=True)
    query["q"] = words
    listing = build_listing(ListingScope(marketplace.pk), query, currency="EUR", now=timezone.now())
    return [card.name for card in listing.page.cards]


def test_search_corpus(demo, shopper):
    """At least 95 % of over a hundred questions find what they are about; what it says of them is looked at, too."""
    asked = [(kind, words, name) for kind, questions in QUESTIONS.items() for words, name in questions]
    missed = {}
    for kind, words, name in asked:
        if name not in (first := found(demo, words)[:FIRST_RESULTS]):
            missed[kind, words] = first
    logger.info("%s of %s questions found their goods; not %s", len(asked) - len(missed), len(asked), missed)
    assert len(asked) >= 100
    assert len(missed) <= len(asked) * (1 - ENOUGH), missed

    mended = flat(shopper.on(MASTER, "/search/", q="ketle"))
    assert "Shown for “kettle”, for nothing here is called “ketle”." in mended
    some = flat(shopper.on(MASTER, "/search/", q="waterproof hiking boots"))
    assert "Nothing has all of “waterproof hiking boots”. These have some of it." in some
    none = flat(shopper.on(MASTER, "/search/", q="zeppelin qqqq"))
    assert "Nothing on sale has the words “zeppelin”, “qqqq”, nor one that is written much like them." in none
    attributes = flat(shopper.on(MASTER, "/departments/clothing/"))
    assert set(re.findall(r'facet__title">(\w+)<', attributes)) == {"Shop", "Material", "Size", "Colour", "Price"}
    filtered = shopper.get("/departments/clothing/?with=Material:Leather&with=Size:EU+43", headers={"host": MASTER})
    assert names(filtered) == ["Oughterard walking boots"]


def words_on_sale():
    return dict(VocabularyWord.objects.values_list("word", "products"))


def test_cards_follow_every_change(shop, shopper, django_assert_num_queries):
    """Whatever a card copies changes with the next list, and only then; the vocabulary counts what is on sale."""
    product = Product.objects.create(
        vendor=shop.vendors["amber"], category=shop.category, name="Brass bugle", slug="bugle", status="published",
        details="Material: brass",
    )  # fmt: skip
    assert names(shopper.on(MASTER, "/search/", q="bugle")) == []  # nothing of it is on offer
    variant = Variant.objects.create(product=product, sku="BB-1", name="Small", price=900)

    def card():
        card_refresh.refresh(timezone.now())
        return ProductCard.objects.get(pk=product.pk)

    assert (card().price_from, card().is_stocked, card().attributes) == (900, False, ["Material:Brass"])
    assert words_on_sale()["bugle"] == 1
    Variant.objects.filter(pk=variant.pk).update(price=700)
    assert card().price_from == 700
    Product.objects.filter(pk=product.pk).update(name="Brass cornet")
    assert card().name == "Brass cornet"
    assert "bugle" not in words_on_sale()
    shop.category.name = "Bugles and such"
    shop.category.save()
    assert card().vocabulary.count("bugles") == 1
    Vendor.objects.filter(pk=shop.vendors["amber"].pk).update(name="Ambergris")
    assert "ambergris" in card().vocabulary
    Vendor.objects.filter(pk=shop.vendors["amber"].pk).update(status="suspended")
    assert not card().is_public
    assert words_on_sale() == {}
    Product.objects.get(pk=product.pk).delete()
    card_refresh.refresh(timezone.now())
    assert not ProductCard.objects.exists()
    with django_assert_num_queries(1):
        card_refresh.refresh(timezone.now())


def test_synonyms_are_the_marketplaces_own_data(shop, shopper, goods_of_two_words):
    assert names(shopper.on(MASTER, "/search/", q="cutter")) == []

    synonym = Synonym(marketplace=shop.marketplace, words="cutter, bread knife")
    synonym.full_clean()
    synonym.save()

    assert names(shopper.on(MASTER, "/search/", q="cutter")) == ["Bread knife"]
    assert names(shopper.on("amber.localhost", "/search/", q="Cutters")) == ["Bread knife"]


@pytest.fixture
def goods_of_two_words(shop):
    from tests.support.shop import add_goods  # noqa: PLC0415

    return [add_goods(shop, "amber", "Bread knife"), add_goods(shop, "amber", "Fish knife")]
