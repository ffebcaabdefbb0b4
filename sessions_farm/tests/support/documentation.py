"""Markdown files as their readers use them: blocks of code, and the names that they mention."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

HEADING = re.compile(r"^#{2,3} (.+)$")
DOTTED = re.compile(r"(?<![\w.])sessions_farm(?:\.[A-Za-z_]\w*)+")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of code: the heading above it, the last line of text before it, its language."""

    heading: str
    before: str
    language: str
    code: str


def blocks(file: Path) -> Iterator[Block]:
    """Yield the blocks of a Markdown file in their order."""
    heading = before = language = ""
    code: list[str] | None = None
    for line in file.read_text().splitlines():
        if code is not None:
            if line != "```":
                code.append(line)
                continue
            yield Block(heading, before, language, "\n".join(code) + "\n")
            code = None
        elif line.startswith("```"):
            language, code = line.removeprefix("```"), []
        elif found := HEADING.match(line):
            heading, before = found[1], ""
        elif line:
            before = line


def names(file: Path) -> set[str]:
    """Return the dotted names of this package, and those that a file's Python imports from it."""
    found = set(DOTTED.findall(file.read_text()))
    for block in blocks(file):
        for node in ast.walk(ast.parse(block.code)) if block.language == "python" else ():
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sessions_farm"):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def exists(name: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False
