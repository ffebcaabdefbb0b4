"""The variables of one session in one request: decoded when first read, compared as text when saved."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from sessions_farm.conf import options
from sessions_farm.session import serializer, ttl
from sessions_farm.session.serializer import TooLargeError
from sessions_farm.stores.base import Append, Change, Operation

logger = logging.getLogger(__name__)

# Unguarded facts of a signed-in person, which every host of the audience may know.
SIGNED_IN = "_farm_signed_in"
STAFF = "_farm_staff"
EXPIRY = "_session_expiry"  # Django's own, set by set_expiry()

NOT_LOADED = object()


class GuardedVariableError(PermissionError):
    """A guarded variable was written on a host that must not see it."""


class Variables(MutableMapping[str, Any]):
    """Texts as they were loaded, and over them the values that this request decoded, put and dropped.

    Without ``sees_guarded``, guarded variables are as if absent: they can be neither read nor written nor dropped,
    except that ``clear`` of the session drops every variable.
    """

    def __init__(self, texts: Mapping[str, str] | None = None, *, sees_guarded: bool = True) -> None:
        self._texts = dict(texts or {})
        self._values: dict[str, Any] = {}
        self._assigned: set[str] = set()
        self._dropped: set[str] = set()
        self._sees_guarded = sees_guarded
        self._declarations = options().variables

    def __getitem__(self, name: str) -> Any:
        name = serializer.name_of(name)
        value = self._values.get(name, NOT_LOADED)
        if value is not NOT_LOADED:
            return value
        if not self._has_text(name):
            raise KeyError(name)
        text = self._texts[name]
        value = ttl.value_in(text) if self._declarations.of(name).ttl else serializer.decode(text)
        self._values[name] = value
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        name = serializer.name_of(name)
        serializer.require_name(name)
        self._require_visible(name)
        if self._declarations.of(name).counter and (not isinstance(value, int) or isinstance(value, bool)):
            raise TypeError(f"{name!r} is declared a counter: it takes whole numbers, not {value!r}.")
        self._values[name] = value
        self._assigned.add(name)
        self._dropped.discard(name)

    def __delitem__(self, name: str) -> None:
        name = serializer.name_of(name)
        if name not in self:
            raise KeyError(name)
        self._values.pop(name, None)
        self._assigned.discard(name)
        if name in self._texts:
            self._dropped.add(name)

    def __contains__(self, name: object) -> bool:
        name = serializer.name_of(name)
        return name in self._values or self._has_text(name)

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._texts if name in self)
        yield from (name for name in self._values if name not in self._texts)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]  # as any mutable mapping

    def has_mutations(self) -> bool:
        """Return whether a value that was read has been changed in place since."""
        return any(self.mutated())

    def mutated(self) -> Iterator[str]:
        """Yield the names of the values that were changed in place."""
        for name, value in self._values.items():
            if isinstance(value, (list, dict)) and self._text(name) != self._texts.get(name):
                yield name

    def forget_changes(self) -> None:
        """Take back what was put, changed and dropped."""
        self._values.clear()
        self._assigned.clear()
        self._dropped.clear()

    def texts(self) -> dict[str, str]:
        """Return every variable as text, hidden ones included: the content of the session after a save."""
        kept = {name: text for name, text in self._texts.items() if name not in self._dropped}
        return kept | {name: self._text(name) for name in self._values}

    def changed(self) -> list[str]:
        """Return the names of the variables that were put, changed or dropped, sorted."""
        return sorted({*self._puts(self.texts()), *self._dropped})

    def change(self, texts: Mapping[str, str], *, replace: bool = False) -> Change:
        """Return the change that leads to ``texts``; counters as additions, unless everything is replaced."""
        puts = self._puts(texts)
        if replace:
            return Change(puts, (), replace=True)
        adds = {
            name: int(text) - (0 if name in self._dropped else int(self._texts.get(name, "0")))
            for name, text in puts.items()
            if self._declarations.of(name).counter
        }
        return Change({name: text for name, text in puts.items() if name not in adds}, sorted(self._dropped), add=adds)

    def settle(self, texts: dict[str, str]) -> None:
        """Take the texts that were sent for the ones that are stored."""
        self._texts = texts
        self._assigned.clear()
        self._dropped.clear()

    def pretend(self, operation: Operation) -> str | None:
        """Apply an operation of the store to this request's copy alone; return the new text."""
        name = operation.name
        text = operation.on(serializer.encode(name, self[name]) if name in self else None)
        if text is not None:
            self[name] = serializer.decode(text)
        elif name in self:
            del self[name]
        return text

    def replace_stored(self, name: str, text: str | None) -> None:
        """Take over one variable as the store has just changed it."""
        self._values.pop(name, None)
        self._assigned.discard(name)
        self._dropped.discard(name)
        if text is None:
            self._texts.pop(name, None)
        else:
            self._texts[name] = text

    def require_modifiable(self, operation: Operation) -> None:
        """Raise GuardedVariableError, TypeError or TooLargeError for an operation that the store must not be asked."""
        name = operation.name
        self._require_visible(name)
        if self._declarations.of(name).ttl:
            raise TypeError(f"{name!r} has a time to live: assign it, for the time counts from there.")
        if isinstance(operation, Append):
            size = len(operation.item) + len(self._text(name) if name in self._values else self._texts.get(name, ""))
            limit = options().variable_limit
            if size > limit:
                raise TooLargeError(
                    f"The session variable {name!r} would be {size} bytes long; VARIABLE_LIMIT allows {limit}."
                )

    @staticmethod
    def require_budget(texts: Mapping[str, str]) -> None:
        """Raise TooLargeError beyond SESSION_LIMIT bytes; log a warning beyond SESSION_WARNING."""
        size = sum(map(len, texts.values()))  # our JSON is ASCII: a character is a byte
        given = options()
        if size > given.session_limit:
            raise TooLargeError(
                f"The session would be {size} bytes long; SESSION_LIMIT allows {given.session_limit}. "
                "Keep a key to the data in the session, and the data in its own table."
            )
        if size > given.session_warning:
            logger.warning("A session is %s bytes long (SESSION_WARNING is %s).", size, given.session_warning)

    def _puts(self, texts: Mapping[str, str]) -> dict[str, str]:
        return {name: texts[name] for name in self._values if texts[name] != self._texts.get(name)}

    def _has_text(self, name: str) -> bool:
        if name not in self._texts or name in self._dropped:
            return False
        declaration = self._declarations.of(name)
        if declaration.guarded and not self._sees_guarded:
            return False
        return not declaration.ttl or ttl.is_fresh(self._texts[name])

    def _text(self, name: str) -> str:
        """Return the value's text; with a time to live, a new one where it was assigned or changed."""
        value, seconds = self._values[name], self._declarations.of(name).ttl
        if not seconds:
            return serializer.encode(name, value)
        loaded = self._texts.get(name)
        if loaded is not None and name not in self._assigned and ttl.value_in(loaded) == value:
            return loaded
        return ttl.encode(name, value, seconds)

    def _require_visible(self, name: str) -> None:
        if not self._sees_guarded and self._declarations.of(name).guarded:
            raise GuardedVariableError(f"{name!r} is guarded: it can be written on the community's master host only.")
