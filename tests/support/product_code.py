"""Read the product's own code: its modules, the names that they define, and their exceptions."""

import ast
import builtins
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
LAYERS = [
    row for row in next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers") if row != "tests"
]
HEIGHT = {name.strip(): height for height, row in enumerate(reversed(LAYERS)) for name in row.split("|")}
MODULES = [
    path
    for package in HEIGHT
    for path in sorted((ROOT / package).rglob("*.py"))
    if "migrations" not in path.parts and "tests" not in path.parts
]
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words_of(name: str) -> list[str]:
    """Return the words of an identifier in lower case: ``HostGate`` and ``host_gate`` have two each."""
    return [word.lower() for word in WORD.findall(name)]


def defined_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that code defines, with its line: classes, functions, arguments, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.alias(asname=str()):
                yield node.asname, node.lineno
            case _:
                pass


def base_names(node: ast.ClassDef) -> list[str]:
    """Return the names of a class's bases, without the modules that they come from."""
    return [base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "") for base in node.bases]


def is_builtin(name: str) -> bool:
    """Return whether an exception is Python's own."""
    found = getattr(builtins, name, None)
    return isinstance(found, type) and issubclass(found, BaseException)


def exceptions() -> list[tuple[Path, str, list[str]]]:
    """Return module, name and bases of each exception that the product defines, those of exceptions' heirs included."""
    classes = [
        (path, node.name, base_names(node))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    found: list[tuple[Path, str, list[str]]] = []
    while True:
        known = {name for _, name, _ in found}
        more = [each for each in classes if any(is_builtin(base) or base in known for base in each[2])]
        if len(more) == len(found):
            return found
        found = more
