"""How easily a stranger reads the product's code: names at a root, docstrings, branches, names that stand twice."""

import ast
import re
from collections import Counter

import pytest

from tests.support.product_code import MODULES, ROOT

APPS = ("sessions_farm", "cart", "vendors", "shipping", "support_watch", "mall", "deploy")
MOST_NAMES = 25  # of a package's root, as `ls` shows them
MOST_HEADLESS = 0.08
MOST_TWICE = 0.10
MOST_BRANCHES = 10  # McCabe's number, with comprehensions and conditional expressions
HEADLESS = re.compile(
    r"\b(what|who|whoever|whatever|whom|nobody|somebody|those that|one that|ones that|such as it|as it was)\b",
    re.IGNORECASE,
)
# One name on purpose: each program, server and view module of its kind has these.
PROTOCOLS = {"Command", "Gateway", "main", "serve", "start", "erase", "ready"}

BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.Assert, ast.IfExp, ast.match_case)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
TREES = {path.relative_to(ROOT): ast.parse(path.read_text()) for path in MODULES}


def of(app: str) -> list[ast.Module]:
    return [tree for path, tree in TREES.items() if path.parts[0] == app]


def branches(function: ast.AST) -> int:
    number = 1
    for node in ast.walk(function):
        number += isinstance(node, BRANCHES)
        if isinstance(node, ast.BoolOp):
            number += len(node.values) - 1
        if isinstance(node, ast.comprehension):
            number += 1 + len(node.ifs)
    return number


def share_headless(trees: list[ast.Module]) -> float:
    """Return the share of docstrings with a clause whose subject or object is no noun ("what …", "whoever …")."""
    kinds = (ast.Module, ast.ClassDef, *FUNCTIONS)
    docs = [
        doc for tree in trees for node in ast.walk(tree) if isinstance(node, kinds) and (doc := ast.get_docstring(node))
    ]
    return sum(bool(HEADLESS.search(doc)) for doc in docs) / len(docs)


def share_twice(trees: list[ast.Module]) -> float:
    """Return the share of public functions and classes whose name another module of the app defines, too."""
    names = Counter(
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and not node.name.startswith("_")
    )
    twice = sum(number for name, number in names.items() if number > 1 and name not in PROTOCOLS)
    return twice / names.total()


def test_engine_shows_few_names():
    names = [path.name for path in (ROOT / "sessions_farm").iterdir() if path.name != "__pycache__"]
    assert len(names) <= MOST_NAMES, sorted(names)


@pytest.mark.parametrize("app", APPS)
def test_docstrings_have_heads(app):
    assert share_headless(of(app)) <= MOST_HEADLESS


@pytest.mark.parametrize("app", APPS)
def test_names_lead_to_one_place(app):
    assert share_twice(of(app)) <= MOST_TWICE


def test_functions_branch_little():
    functions = [(path, node) for path, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
    assert [f"{path}:{node.name}" for path, node in functions if branches(node) > MOST_BRANCHES] == []


def test_measures_see_what_they_measure():
    bad = ast.parse('''
def one():
    """Return what is there."""
    return [a if b and c else d for a in e if f or g if h if i if j if k if l if m]
''')  # fmt: skip
    assert share_headless([bad]) == 1
    assert share_twice([bad, bad]) == 1
    assert branches(bad.body[0]) > MOST_BRANCHES
