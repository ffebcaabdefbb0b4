"""What is said of variables beforehand: ``SESSIONS_FARM["VARIABLES"]``. A name that is not declared needs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# What Django's auth writes: whoever reads these knows who is signed in, and whoever writes them signs in.
AUTH_VARIABLES = ("_auth_user_id", "_auth_user_backend", "_auth_user_hash")
OWNER = "_farm_owner"  # the key of the signed-in person, as text: finds a person's sessions
TERM_LIMIT = 100  # bytes; what is longer is found by its digest


@dataclass(frozen=True, slots=True)
class Declaration:
    """What holds for a variable.

    ``guarded``: only the community's master host may read and write it. ``indexed``: sessions are found by its value.
    ``shared``: other sessions may read it, and subscribers are told of each change. ``counter``: a whole number; an
    assignment adds the difference, so no concurrent one is lost. ``ttl``: seconds that each assignment is good for.
    """

    guarded: bool = False
    indexed: bool = False
    shared: bool = False
    counter: bool = False
    ttl: int = 0


UNDECLARED = Declaration()
GUARDED = Declaration(guarded=True)


@dataclass(frozen=True)
class Declarations:
    """Declared names, and families of names: ``"checkout_*"`` declares each name that begins so."""

    names: Mapping[str, Declaration] = field(default_factory=dict)
    families: tuple[tuple[str, Declaration], ...] = ()

    @classmethod
    def read(cls, given: Mapping[str, Mapping[str, Any]]) -> Declarations:
        """Raise TypeError for a property that there is not."""
        named = dict.fromkeys(AUTH_VARIABLES, GUARDED) | {OWNER: Declaration(guarded=True, indexed=True)}
        families = []
        for name, properties in given.items():
            declared = Declaration(**properties)
            if name.endswith("*"):
                families.append((name[:-1], declared))
            else:
                named[name] = declared
        return cls(named, tuple(families))

    def of(self, name: str) -> Declaration:
        found = self.names.get(name)
        if found is None and self.families:
            found = next((declared for start, declared in self.families if name.startswith(start)), None)
        return found or UNDECLARED

    def indexed(self) -> list[str]:
        return sorted(name for name, declared in self.names.items() if declared.indexed)

    def shared(self) -> list[str]:
        return sorted(name for name, declared in self.names.items() if declared.shared)


def term_of(text: str) -> str:
    """What stands in an index for a value's text: the text, or its digest where it is long."""
    content = text.encode()
    if len(content) <= TERM_LIMIT:
        return text
    return f"sha1:{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"
