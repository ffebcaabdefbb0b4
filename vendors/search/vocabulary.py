"""The vocabulary of a marketplace: which words its goods have, which begin so, and which are written almost so."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db.models import QuerySet
from rapidfuzz.distance import OSA

from sessions_farm.communities.query_plans import planned
from vendors import words
from vendors.models import VocabularyWord

LAST_LETTER = "\U0010ffff"
MOST_BEGINNINGS = 20
MOST_NEAR = 3
SHORTEST_MENDED = 4
TWO_ERRORS_FROM = 6  # letters


def stems_there(marketplace_id: int, stems: Collection[str]) -> set[str]:
    """Return those of some stems that goods on sale have."""
    return set(_stems_there(marketplace_id, stems)) if stems else set()


@planned
def _stems_there(marketplace_id: int, stems: Collection[str]) -> QuerySet[VocabularyWord, str]:
    return VocabularyWord.objects.filter(marketplace=marketplace_id, stem__in=stems).values_list("stem", flat=True)


def beginning_with(marketplace_id: int, beginning: str) -> list[str]:
    """Return words that begin so, those of the most goods first."""
    return _beginning_with(marketplace_id, beginning, beginning + LAST_LETTER)


@planned
def _beginning_with(marketplace_id: int, first: str, last: str) -> QuerySet[VocabularyWord, str]:
    found = VocabularyWord.objects.filter(marketplace=marketplace_id, word__gte=first, word__lt=last)
    return found.order_by("-products", "word").values_list("word", flat=True)[:MOST_BEGINNINGS]


def written_like(marketplace_id: int, word: str) -> list[str]:
    """Return the words that a word may be a typing error for, the likeliest first.

    One letter may be wrong, missing, too many or changed places with the next; in a long word two.
    """
    if len(word) < SHORTEST_MENDED:
        return []
    errors = 1 if len(word) < TWO_ERRORS_FROM else 2
    near = VocabularyWord.objects.filter(marketplace=marketplace_id, trigrams__overlap=words.trigrams_of(word))
    return _nearest(word, errors, near.values_list("word", "products"))


def _nearest(word: str, errors: int, candidates: Iterable[tuple[str, int]]) -> list[str]:
    found = []
    for other, products in candidates:
        if abs(len(other) - len(word)) <= errors:
            distance = OSA.distance(word, other, score_cutoff=errors)
            if distance <= errors:
                found.append((distance, other[0] != word[0], -products, other))
    found.sort()
    return [
        other for distance, starts_differently, _, other in found if (distance, starts_differently) == found[0][:2]
    ][:MOST_NEAR]
