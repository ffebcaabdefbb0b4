"""A mutant: a module of the farm as it reads without one of its defences."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import sessions_farm

ROOT = Path(sessions_farm.__file__).parent.parent
LISTED = "MUTANTS"  # the variable that names the module with the list
HANDOFF = "sessions_farm.communities.tests.support.mutants"


class LostTextError(Exception):
    """A mutant's old text does not stand in its module exactly once."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module without one defence, and the test files of which one must turn red."""

    name: str
    says: str  # what is possible without the defence
    module: str  # as a path from the root
    tests: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]  # old text, new text
    listed_in: str = HANDOFF

    @property
    def dotted(self) -> str:
        return self.module.removesuffix(".py").replace("/", ".")

    def applied_to(self, source: str) -> str:
        """The module's source without the defence. Raise LostTextError."""
        for old, new in self.changes:
            if (count := source.count(old)) != 1:
                raise LostTextError(self._lost(old, count, source))
            source = source.replace(old, new)
        return source

    def _lost(self, old: str, count: int, source: str) -> str:
        lines = [line.strip() for line in source.splitlines()]
        near = [] if count else difflib.get_close_matches(old.strip().splitlines()[0], lines, n=1, cutoff=0.4)
        likest = f"The line most like it:\n    {near[0]}\n" if near else ""
        return (
            f"The mutant {self.name!r} cannot be made: this text should stand in {self.module} once, and stands there "
            f"{count} times:\n    {old}\n{likest}If the defence was rewritten or moved, give its mutant the text that "
            f"stands there now, in {path_of(self.listed_in)}; if it is gone on purpose, take the mutant out there."
        )


def path_of(module: str) -> str:
    """Return the path of a module's file from the root."""
    return f"{module.replace('.', '/')}.py"


def of(module: str, *entries: tuple[str, ...]) -> list[Mutant]:
    """Mutants of one module, each given as: name, what it makes possible, tests, old text, new text, old, new…"""
    return [
        Mutant(name, says, f"sessions_farm/{module}.py", files(tests), tuple(zip(texts[::2], texts[1::2], strict=True)))
        for name, says, tests, *texts in entries
    ]


def files(tests: str) -> tuple[str, ...]:
    """Return the paths of test files, named below the tests of communities or, with a slash first, of the engine."""
    folders = {True: "sessions_farm/tests", False: "sessions_farm/communities/tests"}
    return tuple(
        f"{folders[name.startswith('/')]}/{folder}test_{file}.py"
        for name in tests.split()
        for folder, file in [_parted(name.removeprefix("/"))]
    )


def _parted(name: str) -> tuple[str, str]:
    folder, slash, file = name.rpartition("/")
    return folder + slash, file
