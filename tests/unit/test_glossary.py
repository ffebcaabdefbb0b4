"""One word, one meaning: the words that docs/glossary.md has retired name nothing in the product's code."""

import ast
import re

import pytest

from tests.support.product_code import MODULES, ROOT, defined_names, words_of

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
ROW = re.compile(r"^\|(?P<retired>(?:[ ,]*`\w+`)+) +\| (?P<instead>.+) \|$", re.MULTILINE)
NAMED_BY_OTHERS = ("CELERY_",)  # settings


def retired() -> dict[str, str]:
    """Return the word to use for each retired word, from the glossary's second table."""
    table = GLOSSARY.partition("\n## Retired words\n")[2]
    return {word: row["instead"] for row in ROW.finditer(table) for word in re.findall(r"\w+", row["retired"])}


RETIRED = retired()


def refused(name: str) -> str | None:
    """Return the retired word in an identifier: a word of it, or all of it for a retired name."""
    if name.startswith(NAMED_BY_OTHERS):
        return None
    return next((word for word in (name, *words_of(name)) if word in RETIRED), None)


def faults(tree: ast.AST, module: str = "") -> list[str]:
    """Return a line for each retired word in the names that a module defines, and in its own name."""
    names = [(module, 0), *defined_names(tree)]
    return [f"line {line}: {name}; use {RETIRED[word]}" for name, line in names if (word := refused(name))]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_retired_words_name_nothing(module):
    assert faults(ast.parse(module.read_text()), module.stem) == []


OLD_CODE = """
class HostGate:
    def arun(self, last_words, *, within_pace=True):
        self.tally = codec = FOREVER = 0
class Busy(Exception): ...
from sessions_farm.session import queries as broker
"""


def test_old_code_is_refused():
    names = {fault.split("; ")[0].split()[-1] for fault in faults(ast.parse(OLD_CODE), "moments")}
    engine = {"moments", "HostGate", "arun", "last_words", "within_pace", "tally", "codec", "FOREVER"}
    assert names == engine | {"Busy", "broker"}


def test_words_of_others_and_of_other_words_pass():
    assert faults(ast.parse("CELERY_BROKER_URL = gateway = FeedBusyError = space = momentum = 1")) == []


def test_each_word_is_retired_once_and_has_one_meaning():
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", GLOSSARY, re.MULTILINE)
    assert len(terms) > 60
    assert sorted(terms) == sorted(set(terms))
    rows = [word for row in ROW.finditer(GLOSSARY) for word in re.findall(r"\w+", row["retired"])]
    assert len(rows) > 40
    assert sorted(rows) == sorted(set(rows))
