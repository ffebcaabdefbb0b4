"""What a shopper's words ask for: stems to look for, synonyms, and typing errors mended by the vocabulary.

``understand`` makes one group of alternatives of each word or term; a product fits that has one of each group. Where no
product fits all, ``some`` finds those with the most.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from vendors import words
from vendors.search import vocabulary

MAX_WORDS = 12
LONGEST_TERM = 3  # words
Term = tuple[str, ...]
Synonyms = Mapping[Term, tuple[Term, ...]]


@dataclass(frozen=True, slots=True)
class Question:
    """Hold a question as PostgreSQL's tsquery; ``every`` is '' where nothing was asked."""

    every: str = ""
    some: str = ""  # '' where it is the same as ``every``
    mended: str = ""  # the words as they were understood, '' where they are as typed
    unknown: tuple[str, ...] = ()  # words that stand in nothing on sale, nor anything like them


@dataclass(slots=True)
class _Reading:
    """Collect the groups of a question, word by word."""

    marketplace_id: int
    synonyms: Synonyms
    there: set[str]
    groups: list[str] = field(default_factory=list)
    read_as: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def take(self, alternatives: Sequence[str], *read_as: str) -> None:
        """Add the group of one term."""
        self.groups.append(any_of(alternatives))
        self.read_as.extend(read_as)


def understand(text: str, marketplace_id: int, synonyms: Synonyms) -> Question:
    """Return what a text asks for among the goods of a marketplace."""
    typed = _meaningful(words.words_of(text))[:MAX_WORDS]
    if not typed:
        return Question()
    reading = _read(typed, marketplace_id, synonyms)
    codes = [f"{quoted(words.stem(code))}:*" for code in words.joined_parts(text)]  # KR-TPR is one, or its two parts
    every = " & ".join(reading.groups)
    return Question(
        every=any_of([f"({every})", *codes]) if codes else every,
        some="" if len(reading.groups) == 1 else " | ".join([*reading.groups, *codes]),
        mended="" if reading.read_as == typed else " ".join(reading.read_as),
        unknown=tuple(reading.unknown),
    )


def _read(typed: list[str], marketplace_id: int, synonyms: Synonyms) -> _Reading:
    wanted = {words.stem(word) for word in [*typed, *_pairs(typed)]}
    reading = _Reading(marketplace_id, synonyms, vocabulary.stems_there(marketplace_id, wanted))
    place = 0
    while place < len(typed):
        place += next(filter(None, (read(reading, typed, place) for read in (_read_synonym, _read_pair, _read_word))))
    return reading


def beginnings(text: str) -> str:
    """Return a query for goods that have words which begin as those of a text do: for people who know the goods."""
    return " & ".join(any_of([f"{quoted(word)}:*", f"{quoted(words.stem(word))}:*"]) for word in words.words_of(text))


def synonyms_of(lists: Iterator[Sequence[Term]]) -> dict[Term, tuple[Term, ...]]:
    """Return each term's synonyms, itself among them, by its stems."""
    found: dict[Term, tuple[Term, ...]] = {}
    for terms in lists:
        stems = [tuple(words.stem(word) for word in term) for term in terms]
        for term in stems:
            found[term] = tuple(dict.fromkeys([*found.get(term, ()), *stems]))
    return found


def quoted(stem: str) -> str:
    """Return a stem for a tsquery; it has letters and digits only."""
    return f"'{stem}'"


def any_of(alternatives: Sequence[str]) -> str:
    """Return a query for one of some alternatives."""
    return alternatives[0] if len(alternatives) == 1 else f"({' | '.join(dict.fromkeys(alternatives))})"


def _meaningful(typed: list[str]) -> list[str]:
    return [word for word in typed if word not in words.STOP_WORDS] or typed


def _pairs(typed: Sequence[str]) -> list[str]:
    return [first + second for first, second in itertools.pairwise(typed)]


def _phrase(term: Term) -> str:
    return quoted(term[0]) if len(term) == 1 else f"({' <-> '.join(map(quoted, term))})"


def _read_synonym(reading: _Reading, typed: list[str], place: int) -> int:
    """Read the longest term with synonyms; return its number of words, 0 where there is none."""
    for length in range(min(LONGEST_TERM, len(typed) - place), 0, -1):
        term = typed[place : place + length]
        if same := reading.synonyms.get(tuple(map(words.stem, term))):
            reading.take([_phrase(each) for each in same], *term)
            return length
    return 0


def _read_pair(reading: _Reading, typed: list[str], place: int) -> int:
    """Read two words that others write as one, such as tea pot."""
    pair = typed[place : place + 2]
    if len(pair) < 2 or words.stem("".join(pair)) not in reading.there:
        return 0
    apart = " & ".join(quoted(words.stem(word)) for word in pair)
    reading.take([f"({apart})", quoted(words.stem("".join(pair)))], *pair)
    return 2


def _read_word(reading: _Reading, typed: list[str], place: int) -> int:
    word = typed[place]
    exact = quoted(words.stem(word))
    if words.stem(word) in reading.there or not words.is_of_vocabulary(word):
        is_code = place == len(typed) - 1 and len(word) > 2 and not word.isalpha()
        reading.take([f"{exact}:*" if is_code else exact], word)
    else:
        _read_strange_word(reading, word, exact)
    return 1


def _read_strange_word(reading: _Reading, word: str, exact: str) -> None:
    """Read a word that no goods have: as a beginning, as two words, or as a typing error."""
    if begun := vocabulary.beginning_with(reading.marketplace_id, word):
        reading.take([f"{exact}:*", *(quoted(words.stem(each)) for each in begun)], word)
    elif parts := _parts_of(reading, word):
        reading.take([f"({' & '.join(quoted(words.stem(part)) for part in parts)})", exact], word)
    elif near := vocabulary.written_like(reading.marketplace_id, word):
        alternatives = [alternative for each in near for alternative in _with_synonyms(reading, each)]
        reading.take([*alternatives, exact], near[0])
    else:
        reading.unknown.append(word)
        reading.take([f"{exact}:*"], word)


def _with_synonyms(reading: _Reading, word: str) -> list[str]:
    term = (words.stem(word),)
    return [_phrase(each) for each in reading.synonyms.get(term, (term,))]


def _parts_of(reading: _Reading, word: str) -> tuple[str, ...]:
    """Return two words of the vocabulary that a word is written together of, such as breadknife."""
    cuts = [(word[:place], word[place:]) for place in range(3, len(word) - 2)]
    there = vocabulary.stems_there(reading.marketplace_id, {words.stem(part) for cut in cuts for part in cut})
    return next((cut for cut in cuts if all(words.stem(part) in there for part in cut)), ())
