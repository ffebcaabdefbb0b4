"""Declarations of variables: ``SESSIONS_FARM["VARIABLES"]``. A name without a declaration is an ordinary variable."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Written by Django's auth: reading them shows the signed-in person, and writing them signs in.
AUTH_VARIABLES = ("_auth_user_id", "_auth_user_backend", "_auth_user_hash")
OWNER = "_farm_owner"  # the key of the signed-in person, as text: finds a person's sessions
KEPT = 1000  # names whose declarations are at hand
TERM_LIMIT = 100  # bytes; a longer text is found by its digest


@dataclass(frozen=True, slots=True)
class Declaration:
    """The properties of a variable.

    ``guarded``: only a host that sees guarded variables may read and write it (in a community, the master).
    ``indexed``: sessions are found by its value. ``shared``: other sessions may read it, and subscribers receive each
    change. ``counter``: a whole number; an assignment adds the difference, so no concurrent one is lost. ``ttl``:
    seconds that each assignment is good for.
    """

    guarded: bool = False
    indexed: bool = False
    shared: bool = False
    counter: bool = False
    ttl: int = 0


UNDECLARED = Declaration()
GUARDED = Declaration(guarded=True)


class Declarations(dict[str, Declaration]):
    """Declarations by name; ``families`` by the beginning of a name: ``"checkout_*"``. Any name has one."""

    def __init__(self, given: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Read the setting. Raise TypeError for an unknown property."""
        super().__init__(dict.fromkeys(AUTH_VARIABLES, GUARDED))
        self[OWNER] = Declaration(guarded=True, indexed=True)
        self.families: list[tuple[str, Declaration]] = []
        # A request asks for one name several times, and most names have no declaration of their own.
        self.of = functools.lru_cache(maxsize=KEPT)(self.__getitem__)
        for name, properties in (given or {}).items():
            declaration = Declaration(**properties)
            if name.endswith("*"):
                self.families.append((name[:-1], declaration))
            else:
                self[name] = declaration

    def __missing__(self, name: str) -> Declaration:
        return next((declaration for start, declaration in self.families if name.startswith(start)), UNDECLARED)

    def indexed(self) -> list[str]:
        """Return the names of indexed variables, sorted."""
        return sorted(name for name, declaration in self.items() if declaration.indexed)

    def shared(self) -> list[str]:
        """Return the names of shared variables, sorted."""
        return sorted(name for name, declaration in self.items() if declaration.shared)


def term_of(text: str) -> str:
    """Return the entry of an index for a value's text: the text, or its digest where it is long."""
    content = text.encode()
    if len(content) <= TERM_LIMIT:
        return text
    return f"sha1:{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"
