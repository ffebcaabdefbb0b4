"""Product cards made anew: of the products that triggers noted as stale, and of those whose sale begins or ends.

Each list begins with ``refresh``: where nothing is stale, that is one query over two short indexes. What changed with
the database's own clock (a sale's end) is so never late, and no job has to run; after an import of thousands a worker
makes the rest (``vendors.tasks``). One process makes cards at a time, so what it counts stays true.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import InternalError, connection, transaction
from django.db.models import QuerySet
from psycopg.errors import ReadOnlySqlTransaction

from sessions_farm.communities.query_plans import planned
from vendors import reviews, words
from vendors.models import Product, ProductCard, ProductImage, StaleProduct, Variant, VocabularyWord
from vendors.models.catalogue import price_changes

AT_ONCE = 500  # notes, in one page's request
LOCK = 4_242_001  # of PostgreSQL's advisory locks
FACETS = {"colour": "Colour", "color": "Colour", "size": "Size", "material": "Material"}  # details that are facets
LONGEST_VALUE = 40
MOST_POSITIONS = 16_000  # of PostgreSQL's 16,383
PLACES_EACH = 20
Row = tuple[Product, list[Variant], ProductImage | None, tuple[int, int]]


def refresh(now: datetime) -> int:
    """Make stale cards anew, a page's worth; return how many were stale. A read-only database keeps them stale."""
    stale = set(stale_products(now))
    if stale:
        try:
            refresh_products(stale, now)
        except InternalError as error:
            if not isinstance(error.__cause__, ReadOnlySqlTransaction):
                raise
    return len(stale)


def refresh_all(now: datetime) -> None:
    """Make all stale cards anew, unless another process is at it."""
    while (stale := set(stale_products.fresh(now=now))) and refresh_products(stale, now):
        pass


@planned
def stale_products(now: datetime) -> QuerySet[StaleProduct, int]:
    """Select products whose cards are stale; one may come twice."""
    noted = StaleProduct.objects.values_list("product_id", flat=True)
    due = ProductCard.objects.filter(prices_until__lte=now).values_list("pk", flat=True)
    return noted.union(due, all=True)[:AT_ONCE]


@transaction.atomic
def refresh_products(product_ids: Collection[int], now: datetime) -> bool:
    """Make the cards of some products anew; return False, and do nothing, while another process makes cards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return False
    # First the notes, then the products: whoever notes a change later is not yet seen, and his note stays.
    StaleProduct.objects.filter(product_id__in=product_ids).delete()
    before = {card.pk: card for card in ProductCard.objects.filter(pk__in=product_ids).only(*COUNTED)}
    after = [card_of(*row, now) for row in read(product_ids)]
    ProductCard.objects.bulk_create(
        after, update_conflicts=True, unique_fields=["product"], update_fields=COPIED, batch_size=500
    )
    ProductCard.objects.filter(pk__in=before.keys() - {card.pk for card in after}).delete()
    count_words(before.values(), after)
    return True


COUNTED = ["marketplace", "vocabulary"]
COPIED = [field.name for field in ProductCard._meta.concrete_fields if not field.primary_key]


def read(product_ids: Collection[int]) -> list[Row]:
    """Return products with their variants on offer, the first picture, and number and sum of their stars."""
    variants: dict[int, list[Variant]] = defaultdict(list)
    on_offer = Variant.objects.on_offer().filter(product__in=product_ids).select_related("stock").order_by("pk")
    for variant in on_offer:
        variants[variant.product_id].append(variant)
    pictures: dict[int, ProductImage] = {}
    for picture in ProductImage.objects.filter(product__in=product_ids):
        pictures.setdefault(picture.product_id, picture)
    products = Product.objects.filter(pk__in=product_ids).select_related("vendor", "category__parent").order_by("pk")
    ratings = reviews.ratings_of(product_ids)
    return [
        (product, variants[product.pk], pictures.get(product.pk), ratings.get(product.pk, (0, 0)))
        for product in products
    ]


def card_of(
    product: Product,
    variants: list[Variant],
    picture: ProductImage | None,
    rating: tuple[int, int],
    now: datetime,
) -> ProductCard:
    """Return the card of a product; one without anything on offer is in no list."""
    vendor, category = product.vendor, product.category
    is_public = bool(variants) and product.status == Product.Status.PUBLISHED and vendor.is_published
    attributes = attributes_of(product, variants)
    spoken, coded = texts_of(product, variants, attributes)
    return ProductCard(
        product=product,
        marketplace_id=vendor.marketplace_id,
        vendor=vendor,
        category=category,
        top_category_id=category.parent_id or category.pk,
        is_public=is_public,
        name=product.name,
        slug=product.slug,
        summary=product.summary,
        created_at=product.created_at,
        is_stocked=any(variant.stock.on_hand for variant in variants),
        rating_count=rating[0],
        rating_sum=rating[1],
        attributes=attributes,
        vocabulary=vocabulary_of(spoken) if is_public else [],
        document=document_of(spoken, coded),
        **prices_of(variants, now),
        **picture_of(picture),
    )


def prices_of(variants: list[Variant], now: datetime) -> dict[str, Any]:
    """Return the columns of prices, the regular one of the cheapest variant, and until when they hold."""
    if not variants:
        return {}
    prices = [(variant.current_price(now), variant.pk, variant.price) for variant in variants]
    changes = (at for variant in variants for at in price_changes(variant) if at > now)
    return {
        "price_from": min(prices)[0],
        "price_was": min(prices)[2],
        "price_to": max(prices)[0],
        "prices_until": min(changes, default=None),
    }


def picture_of(picture: ProductImage | None) -> dict[str, Any]:
    """Return the columns of the first picture."""
    if picture is None:
        return {}
    return {
        "picture_file": picture.file.name or "",
        "picture_alt": picture.alt,
        "picture_width": picture.width,
        "picture_height": picture.height,
    }


def attributes_of(product: Product, variants: Iterable[Variant]) -> list[str]:
    """Return what facets show of a product, as Colour:Blue: its variants' options, and some of its details."""
    found = {
        f"{FACETS.get(name.casefold(), name)}:{value}": None
        for variant in variants
        for name, value in variant.option_values.items()
    }
    for name, text in product.detail_pairs:
        if facet := FACETS.get(name.casefold()):
            values = (" ".join(each.split()).rstrip(".") for each in text.split(","))
            found |= {
                f"{facet}:{value[:1].upper()}{value[1:]}": None for value in values if 0 < len(value) <= LONGEST_VALUE
            }
    return list(found)


def texts_of(
    product: Product, variants: Iterable[Variant], attributes: Iterable[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return a product's texts by weight: those that people speak, and codes such as the SKU."""
    category = product.category
    departments = [category.name, category.parent.name] if category.parent else [category.name]
    values = [attribute.partition(":")[2] for attribute in attributes]
    names = list(dict.fromkeys(variant.name for variant in variants if variant.name))
    spoken = {
        "A": [product.name],
        "B": [product.vendor.name, *departments, *names, *values],
        "C": [product.summary, product.details],
        "D": [product.description],
    }
    return spoken, {"B": [variant.sku for variant in variants]}


def document_of(*texts: dict[str, list[str]]) -> str:
    """Return the search document of texts by weight, as PostgreSQL reads it."""
    places: dict[str, list[str]] = defaultdict(list)
    weighed = (
        (stem, weight)
        for each in texts
        for weight, some in each.items()
        for text in some
        for stem in words.stems_of(text)
    )
    for place, (stem, weight) in enumerate(itertools.islice(weighed, MOST_POSITIONS), start=1):
        if len(places[stem]) < PLACES_EACH:
            places[stem].append(f"{place}{weight}")
    return " ".join(f"'{stem}':{','.join(where)}" for stem, where in places.items())


def vocabulary_of(texts: dict[str, list[str]]) -> list[str]:
    """Return the words of texts that can be mistyped, each once."""
    spoken = {word for each in texts.values() for text in each for word in words.words_of(text)}
    return sorted(word for word in spoken if words.is_of_vocabulary(word))


def count_words(before: Iterable[ProductCard], after: Iterable[ProductCard]) -> None:
    """Count in the vocabulary what came and went with new cards."""
    differences: dict[int, Counter[str]] = defaultdict(Counter)
    for card in after:
        differences[card.marketplace_id].update(card.vocabulary)
    for card in before:
        differences[card.marketplace_id].subtract(card.vocabulary)
    for marketplace_id, counter in differences.items():
        changed = {word: number for word, number in counter.items() if number}
        if changed:
            _count_words(marketplace_id, changed)


def _count_words(marketplace_id: int, changed: dict[str, int]) -> None:
    known = VocabularyWord.objects.filter(marketplace=marketplace_id, word__in=changed)
    counted = dict(known.values_list("word", "products"))
    numbers = {word: counted.get(word, 0) + number for word, number in changed.items()}
    VocabularyWord.objects.bulk_create(
        [
            VocabularyWord(
                marketplace_id=marketplace_id,
                word=word,
                stem=words.stem(word),
                products=number,
                trigrams=words.trigrams_of(word),
            )
            for word, number in numbers.items()
            if number > 0
        ],
        update_conflicts=True,
        unique_fields=["marketplace", "word"],
        update_fields=["products"],
        batch_size=2000,
    )
    gone = [word for word, number in numbers.items() if number <= 0]
    if gone:
        VocabularyWord.objects.filter(marketplace=marketplace_id, word__in=gone).delete()
