"""The pager of a product's page: the products beside it in the very list that its shopper came from, and the way back.

A list by name, price or age is walked by the key of the product itself, so a step costs the same in a list of any
length. A search by best match ranks a thousand at most (``listing.MOST_RANKED``), and its order is read as a whole.
Without a list in the address the pager walks the shelf: the shop's products of the same category, by name (ADR 75).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext

from sessions_farm.communities.query_plans import planned, planned_by
from vendors import cards, links
from vendors.facets import ProductFilter
from vendors.held_goods import products_held
from vendors.keyset import Cursor, read_cursor
from vendors.list_links import HOME, LIST, MALL, NEW, SHOP, link_from, list_name, list_query, number_of
from vendors.listing import (
    BEST,
    BY_RANK,
    MOST_RANKED,
    ORDERS,
    PER_PAGE,
    ListingScope,
    run,
    select_cards,
    selection_of,
    synonyms_of,
)
from vendors.models import Category, Product, ProductCard
from vendors.models.cards import ProductCardQuerySet
from vendors.search.asked import understand
from vendors.storefronts import CachedMarketplace, CachedStorefront


@dataclass(frozen=True, slots=True)
class Pager:
    """Hold the products beside another one, the name of the list, and its address at that place; '' for the shelf."""

    name: str
    previous: ProductCard | None = None
    next: ProductCard | None = None
    back: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """Hold the list that an address carries: its kind, category and query, and the product's number (0: not known)."""

    kind: str
    category: Category | None
    query: QueryDict
    number: int

    @property
    def name(self) -> str:
        """Return how links name the list."""
        return list_name(self.kind, self.category.slug if self.category else "")


def pager_of(
    store: CachedStorefront, market: CachedMarketplace, product: Product, query: QueryDict, now: datetime
) -> Pager:
    """Return the pager of a product for the list that the query of its address carries, else for its shelf."""
    card: ProductCard | None = getattr(product, "card", None)
    origin = read_origin(product, query)
    if origin is None or card is None:
        return siblings_pager(product)
    if origin.kind in {HOME, NEW}:
        return front_pager(store, market, origin, card, now)
    return list_pager(store, market, origin, card, now)


def read_origin(product: Product, query: QueryDict) -> Origin | None:
    """Return the list that a query carries; None for none, and for a category that the product is not of."""
    kind, _, slug = query.get(LIST, "").partition(".")
    if kind not in {MALL, SHOP, HOME, NEW}:
        return None
    own = {each.slug: each for each in (product.category.parent, product.category) if each is not None}
    if slug and (slug not in own or kind in {HOME, NEW}):
        return None
    return Origin(kind, own.get(slug), list_query(query, "after", "before"), number_of(query))


def siblings_pager(product: Product) -> Pager:
    """Return the pager of the shop's products of the same category, by name."""
    found = siblings(product.vendor_id, product.category_id, product.name, product.pk)
    previous, following = cards.apart(found, 2)
    return Pager(product.category.name, next(iter(previous), None), next(iter(following), None))


@planned
def siblings(vendor_id: int, category_id: int, name: str, product_id: int) -> ProductCardQuerySet:
    """Select the products beside another one of the same vendor and category, by name."""
    own = ProductCard.objects.public().filter(vendor=vendor_id, category=category_id)
    earlier = Q(name__lt=name) | Q(name=name, pk__lt=product_id)
    later = Q(name__gt=name) | Q(name=name, pk__gt=product_id)
    return cards.in_one(
        own.filter(earlier, name__lte=name).order_by("-name", "-pk")[:1],
        own.filter(later, name__gte=name).order_by("name", "pk")[:1],
    )


def front_pager(
    store: CachedStorefront, market: CachedMarketplace, origin: Origin, card: ProductCard, now: datetime
) -> Pager:
    """Return the pager of the newest products on a front page; each product's link is the same but for its number."""
    if origin.kind == HOME:
        name, path = store.name, links.storefront_path(store, "home")
        shown = cards.shown_newest_of_store(store.vendor_id, now, cards.ON_STORE_HOME)
    else:
        name, path = gettext("the newest things"), master_address(store, "mall:home")
        shown = cards.shown_newest_of_marketplace(market.marketplace_id, now, cards.ON_MALL_HOME)
    place = next((place for place, each in enumerate(shown) if each.pk == card.pk), None)
    if place is None:
        return Pager(name, back=path)
    for number, each in enumerate(shown, start=1):
        each.in_list = link_from(origin.name, QueryDict(), number)
    previous = shown[place - 1] if place else None
    following = shown[place + 1] if place + 1 < len(shown) else None
    return Pager(name, previous, following, f"{path}#goods-{card.pk}")


def list_pager(
    store: CachedStorefront, market: CachedMarketplace, origin: Origin, card: ProductCard, now: datetime
) -> Pager:
    """Return the pager of a product list."""
    vendor_id = store.vendor_id if origin.kind == SHOP else None
    scope = ListingScope(market.marketplace_id, vendor_id=vendor_id, category=origin.category)
    wanted = ProductFilter.parse(origin.query, market.currency)
    asked = understand(wanted.text, scope.marketplace_id, synonyms_of(scope.marketplace_id))
    held = products_held(now) if wanted.in_stock else []
    selection = selection_of(scope, wanted, asked.every, held, now)
    find, query_of = (
        (beside_by_rank, ranked_query) if wanted.sort == BEST else (partial(beside_by_key, wanted.sort), keyset_query)
    )
    found = find(selection, card)
    if not found.is_there and asked.some and not wanted.is_narrowed:
        found = find(selection | {"words": asked.some}, card)  # as the list, where nothing has all of the words
    number = found.number or origin.number
    previous, following = found.previous, found.next
    for step, each in ((-1, previous), (1, following)):
        if each is not None:
            each.in_list = link_from(origin.name, query_of(origin, wanted, card, number, step), max(number + step, 0))
    back = list_query(query_of(origin, wanted, card, number, 0), "after", "before").urlencode()
    address = f"{list_address(store, origin)}{'?' * bool(back)}{back}#goods-{card.pk}"
    return Pager(words_for(store, market, origin, wanted), previous, following, address)


@dataclass(frozen=True, slots=True)
class Found:
    """Hold the products beside another one, whether it is of the list itself, and its number; 0 where not known."""

    previous: ProductCard | None
    next: ProductCard | None
    is_there: bool
    number: int = 0


def beside_by_key(sort: str, selection: dict[str, Any], card: ProductCard) -> Found:
    """Find the products beside another one by its key, which holds though it left the list."""
    found = run(beside, selection, sort=sort, key=list(ORDERS[sort][0].key_of(card)), product_id=card.pk)
    previous, following, itself = cards.apart(found, 3)
    return Found(next(iter(previous), None), next(iter(following), None), bool(itself))


@planned_by("sort")
def beside(*, sort: str, key: Sequence[Any], product_id: int, now: datetime, **selection: Any) -> ProductCardQuerySet:
    """Select the products of a selection on both sides of a key, and the product itself if it is one of them."""
    order = ORDERS[sort][0]
    found = select_cards(now=now, **selection)
    return cards.in_one(
        order.sort(found.filter(order.beyond(key, backwards=True)), backwards=True)[:1],
        order.sort(found.filter(order.beyond(key)))[:1],
        found.filter(pk=product_id),
    )


def beside_by_rank(selection: dict[str, Any], card: ProductCard) -> Found:
    """Find the products beside another one in a search by best match."""
    rows = run(ranked_rows, selection)
    place = next((place for place, (key, *_) in enumerate(rows) if key == card.pk), None)
    if place is None:
        return Found(None, None, is_there=False)
    previous = card_for_link(*rows[place - 1]) if place else None
    following = card_for_link(*rows[place + 1]) if place + 1 < len(rows) else None
    return Found(previous, following, is_there=True, number=place + 1)


def card_for_link(key: int, name: str, slug: str, vendor_id: int) -> ProductCard:
    """Return a card with the fields that a link shows."""
    return ProductCard(pk=key, name=name, slug=slug, vendor_id=vendor_id)


@planned
def ranked_rows(*, now: datetime, **selection: Any) -> QuerySet[ProductCard, tuple[int, str, str, int]]:
    """Select a search by rank, as ``listing.ranked`` orders its pages: key, name, slug and vendor."""
    some = select_cards(now=now, **selection).order_by().values("pk")[:MOST_RANKED]
    found = ProductCard.objects.asked(selection["words"]).filter(pk__in=some)
    return found.order_by(*BY_RANK).values_list("pk", "name", "slug", "vendor_id")


def keyset_query(origin: Origin, wanted: ProductFilter, card: ProductCard, number: int, step: int) -> QueryDict:
    """Return the list's query with the page on which the product a step on is; its page is known by its number."""
    query, (order, like) = origin.query.copy(), ORDERS[wanted.sort]
    before, after = read_cursor(wanted.before, like), read_cursor(wanted.after, like)
    start = max(before.rows_before - PER_PAGE, 0) if before else after.rows_before if after else 0
    there = number + step
    if number and step and not start < there <= start + PER_PAGE and there > 0:
        place, rows_before = ("after", number) if step > 0 else ("before", number - 1)
        for name in ("after", "before"):
            query.pop(name, None)
        query[place] = Cursor(order.key_of(card), rows_before).encode()
    return query


def ranked_query(origin: Origin, wanted: ProductFilter, card: ProductCard, number: int, step: int) -> QueryDict:
    """Return the list's query with the page of a search by best match on which a number is."""
    query, begin = list_query(origin.query), max(number + step - 1, 0) // PER_PAGE * PER_PAGE
    if begin:
        query["after"] = Cursor((), begin).encode()
    return query


def list_address(store: CachedStorefront, origin: Origin) -> str:
    """Return the address of a list's page without its query, from a page of the store."""
    slug = {"slug": origin.category.slug} if origin.category else {}
    page = "category" if origin.category else "search"
    if origin.kind == SHOP:
        return links.storefront_path(store, page, **slug)
    return master_address(store, f"mall:{page}", **slug)


def master_address(store: CachedStorefront, name: str, **kwargs: Any) -> str:
    """Return the address of a page of the master, from a page of the store."""
    return links.master_url(store.community_id, name, **kwargs) if store.host else links.master_path(name, **kwargs)


def words_for(store: CachedStorefront, market: CachedMarketplace, origin: Origin, wanted: ProductFilter) -> str:
    """Return the name of a list in words."""
    if wanted.text:
        return gettext("“%(text)s”") % {"text": wanted.text}
    if origin.category is not None:
        return origin.category.name
    return store.name if origin.kind == SHOP else market.name
