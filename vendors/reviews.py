"""Reviews of products: their average and texts for pages, and services that write, erase and report them (ADR 78)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, QuerySet, Sum
from django.utils.translation import gettext

from sessions_farm.communities.query_plans import planned, planned_by
from vendors.keyset import Cursor, Order, read_cursor
from vendors.mail import on_one_line
from vendors.models import Product, ProductCard, Review, ReviewReport

ON_PRODUCT, ON_PAGE = 4, 20
MOST_VERSIONS = 10
REPORTS_A_DAY = 10  # of one client
NEWEST = Order(("written_at", "pk"), downwards=True)


class ReviewError(Exception):
    """Report a review that cannot be written or reported, in words for the shopper."""


@dataclass(frozen=True, slots=True)
class Reviews:
    """Hold the published reviews of a product: their number, the average rounded as shown, and some of them."""

    count: int = 0
    average: Decimal | None = None
    shown: Sequence[Review] = field(default_factory=list)
    next: str = ""  # the cursor of the page after this

    @property
    def has_more(self) -> bool:
        """Return whether there are more than are shown."""
        return self.count > len(self.shown)


def of_product(product: Product) -> Reviews:
    """Return the newest reviews of a product, whose card is read with it; no query where there is none."""
    card: ProductCard | None = getattr(product, "card", None)
    if card is None or not card.rating_count:
        return Reviews()
    return Reviews(card.rating_count, card.rating, newest(product.pk, ON_PRODUCT, []))


def page_of(product: Product, after: str) -> Reviews:
    """Return a page of the reviews of a product, from behind a cursor on."""
    card: ProductCard | None = getattr(product, "card", None)
    cursor = read_cursor(after, (datetime, int))
    found = newest(product.pk, ON_PAGE + 1, list(cursor.key) if cursor else [])
    shown = found[:ON_PAGE]
    following = Cursor(NEWEST.key_of(shown[-1]), 0).encode() if len(found) > ON_PAGE else ""
    return Reviews(card.rating_count if card else 0, card.rating if card else None, shown, following)


@planned_by("number")
def newest(product_id: int, number: int, key: Sequence[Any]) -> QuerySet[Review]:
    """Select the newest published reviews of a product, behind a key if there is one."""
    found = Review.objects.published().filter(product=product_id)
    return NEWEST.sort(found.filter(NEWEST.beyond(key)) if key else found)[:number]


def ratings_of(product_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return the number and the sum of the stars of published reviews by product, for its card."""
    rows = Review.objects.published().filter(product__in=product_ids).order_by().values_list("product_id")
    return {pk: (number, stars) for pk, number, stars in rows.annotate(number=Count("pk"), stars=Sum("stars"))}


def clean_text(text: str) -> str:
    """Return a shopper's text without control characters, changes of direction and runs of blank lines."""
    lines = [on_one_line(line) for line in text.strip().splitlines()]
    return "\n".join(line for place, line in enumerate(lines) if line or (place and lines[place - 1]))


@planned
def by_lines(lines: Collection[int]) -> QuerySet[Review]:
    """Select the reviews of some lines of orders."""
    return Review.objects.filter(line__in=lines)


@transaction.atomic
def write_review(*, product_id: int, line: int, order: UUID, stars: int, name: str, text: str, now: datetime) -> Review:
    """Write the review of a line of an order, or write it anew; the mall's staff read it before others do.

    The caller knows that the line bought the product. Raise ReviewError.
    """
    said = {"stars": stars, "name": on_one_line(name), "text": clean_text(text), "written_at": now}
    review, is_new = Review.objects.select_for_update(no_key=True).get_or_create(
        line=line, defaults={"product_id": product_id, "order": order, **said}
    )
    if is_new:
        return review
    if review.versions >= MOST_VERSIONS:
        raise ReviewError(gettext("It was written anew many times. It stays as it is now."))
    for each, value in said.items():
        setattr(review, each, value)
    review.state, review.why, review.versions = Review.State.WAITING, "", review.versions + 1
    review.save()
    return review


def take_back(*, line: int) -> None:
    """Delete the review of a line, by its writer's word."""
    Review.objects.filter(line=line).delete()


def forget_writers(orders: Collection[UUID]) -> None:
    """Take the names off the reviews of orders whose buyers are erased."""
    Review.objects.filter(order__in=orders).update(name="")


@transaction.atomic
def report(*, review_id: int, reporter: str, why: str, now: datetime) -> None:
    """Report a published review to the mall's staff, once for each reporter. Raise ReviewError."""
    if not Review.objects.published().filter(pk=review_id).exists():
        raise ReviewError(gettext("This review is not shown any more."))
    lately = ReviewReport.objects.filter(reporter=reporter, at__gt=now - timedelta(days=1))
    if lately.count() >= REPORTS_A_DAY:
        raise ReviewError(gettext("You reported many reviews today. Report more tomorrow."))
    _, is_new = ReviewReport.objects.get_or_create(
        review_id=review_id, reporter=reporter, defaults={"why": on_one_line(why), "at": now}
    )
    if is_new:
        Review.objects.filter(pk=review_id).update(reports=F("reports") + 1)


def settle_reports(review_ids: Collection[int]) -> None:
    """Take the reports off reviews that the mall's staff have read."""
    ReviewReport.objects.filter(review__in=review_ids).delete()
    Review.objects.filter(pk__in=review_ids).update(reports=0)
