"""Words of goods and of questions: folded, parted, and brought to one form.

Documents and questions go through the same functions, in Python, so PostgreSQL needs no dictionary of its own.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator

import snowballstemmer

WORD = re.compile(r"\w+")
MARKS_WITHIN = re.compile(r"(?<=\w)['’`\u00b4](?=\w)")  # fisherman's is one word
BETWEEN_PARTS = re.compile(r"(?<=\w)[-./+](?=\w)")
# Letters that no decomposition takes apart.
LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "\u0131": "i"})
ENGLISH = (
    "a an and are as at be but by do for from has have how i if in into is it its me my no not of on or our over so "
    "some that the their them then there these they this to too under us was we what which who will with you your"
)
GERMAN = "auf aus bei das dem den der des die ein eine einen einer fur im ist mit oder und von zu zum zur"
STOP_WORDS = frozenset([*ENGLISH.split(), *GERMAN.split()])
# What stemming leaves apart: irregular plurals, and spellings of the other side of the ocean.
SAME_WORD = {
    "calves": "calf", "children": "child", "dice": "die", "elves": "elf", "feet": "foot", "geese": "goose",
    "halves": "half", "hooves": "hoof", "kerchieves": "kerchief", "knives": "knife", "leaves": "leaf", "lice": "louse",
    "lives": "life", "loaves": "loaf", "men": "man", "mice": "mouse", "oxen": "ox", "scarves": "scarf",
    "selves": "self", "sheaves": "sheaf", "shelves": "shelf", "teeth": "tooth", "thieves": "thief", "wives": "wife",
    "wolves": "wolf", "women": "woman", "aluminum": "aluminium", "ax": "axe", "calipers": "callipers",
    "center": "centre", "checkered": "chequered", "color": "colour", "colored": "coloured", "cozy": "cosy",
    "fiber": "fibre", "flavor": "flavour", "gray": "grey", "jewelry": "jewellery", "kilogram": "kilo",
    "liter": "litre", "meter": "metre", "mold": "mould", "mustache": "moustache", "organizer": "organiser",
    "pajama": "pyjama", "pajamas": "pyjamas", "tire": "tyre", "whiskey": "whisky", "woolen": "woollen",
    "yoghurt": "yogurt",
}  # fmt: skip
LONGEST_WORD = 60


@functools.cache
def _stemmer() -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer("english")


def fold(text: str) -> str:
    """Return a text in small letters without accents and apostrophes: Café Léa's is cafe leas."""
    apart = unicodedata.normalize("NFKD", MARKS_WITHIN.sub("", text).casefold().translate(LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def words_of(text: str) -> list[str]:
    """Return the folded words of a text, in order; the parts of KR-TPR are two."""
    return [word[:LONGEST_WORD] for word in WORD.findall(fold(text).replace("_", " "))]


def joined_parts(text: str) -> Iterator[str]:
    """Return what is written with a hyphen or the like as one word each: krtpr of KR-TPR."""
    for piece in fold(text).split():
        if BETWEEN_PARTS.search(piece):
            yield "".join(WORD.findall(piece))[:LONGEST_WORD]


@functools.lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """Return the form under which a folded word is found: kettl of kettles, knife of knives."""
    same = SAME_WORD.get(word, word)
    return str(_stemmer().stemWord(same)) if same.isalpha() else same


def stems_of(text: str) -> list[str]:
    """Return the stems of a text's words, those of joined parts behind them."""
    return [stem(word) for word in [*words_of(text), *joined_parts(text)]]


def is_of_vocabulary(word: str) -> bool:
    """Return whether a word can be mistyped for another: no number, no code, and no single letter."""
    return len(word) > 2 and word.isalpha()


def trigrams_of(word: str) -> list[str]:
    """Return the groups of three letters of a word, its ends marked by spaces, each once."""
    padded = f"  {word} "
    return sorted({padded[place : place + 3] for place in range(len(padded) - 2)})
