"""The variables of one session as a request sees them: decoded when first read, compared when saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from sessions_farm.conf import declaration_of
from sessions_farm.declarations import OWNER
from sessions_farm.session import serializer, ttl
from sessions_farm.stores.base import Change, Lifetime, Operation

# Unguarded facts that every host of the community may know of a signed-in person.
SIGNED_IN = "_farm_signed_in"
STAFF = "_farm_staff"
STAFF_OF = "_farm_staff_of"
EXPIRY = "_session_expiry"  # Django's own, set by set_expiry()

# What decides how long a session lives.
LIFETIME_NAMES = frozenset({SIGNED_IN, STAFF, EXPIRY, OWNER, "_auth_user_id"})


class GuardedVariableError(PermissionError):
    """Only the community's master host may write this variable."""


class Variables(MutableMapping[str, Any]):
    """Texts as they were loaded, and over them what this request decoded, put and dropped.

    Where ``all_visible`` is False, guarded variables are as if they were not there; they can be neither read nor
    written nor dropped, except that ``clear`` of the session drops every variable.
    """

    def __init__(self, texts: Mapping[str, str] | None = None, *, all_visible: bool = True) -> None:
        self._texts = dict(texts or {})
        self._values: dict[str, Any] = {}
        self._assigned: set[str] = set()
        self._dropped: set[str] = set()
        self._held: dict[str, str] = {}
        self._all_visible = all_visible

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if not self._is_kept(name):
            raise KeyError(name)
        value = self._values[name] = self._decoded(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        serializer.require_name(name)
        self.require_visible(name)
        if declaration_of(name).counter and (not isinstance(value, int) or isinstance(value, bool)):
            raise TypeError(f"{name!r} is declared a counter: it takes whole numbers, not {value!r}.")
        self._values[name] = value
        self._held.pop(name, None)
        self._assigned.add(name)
        self._dropped.discard(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._values.pop(name, None)
        self._held.pop(name, None)
        self._assigned.discard(name)
        if name in self._texts:
            self._dropped.add(name)

    def __contains__(self, name: object) -> bool:
        return name in self._values or self._is_kept(name)

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._texts if name in self)
        yield from (name for name in self._values if name not in self._texts)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and dict(self) == dict(other)

    __hash__ = None  # type: ignore[assignment]  # as any mutable mapping

    def require_visible(self, name: str) -> None:
        """Raise GuardedVariable for what this host may not touch."""
        if not self._visible(name):
            raise GuardedVariableError(f"{name!r} is guarded: it can be written on the community's master host only.")

    def has_mutations(self) -> bool:
        """Whether a value that was read has been changed in place since."""
        return any(
            isinstance(value, (list, dict)) and self._text(name) != self._texts.get(name)
            for name, value in self._values.items()
        )

    def puts(self) -> dict[str, str]:
        """The variables whose text is another than the one loaded."""
        texts = {name: self._text(name) for name in self._values}
        return {name: text for name, text in texts.items() if text != self._texts.get(name)}

    def drops(self) -> list[str]:
        return sorted(self._dropped)

    def change(self, *, replace: bool = False, lifetime: Lifetime | None = None) -> Change:
        """What a store is to do; counters as what is added, unless everything is replaced."""
        puts = self.puts()
        if replace:
            return Change(puts, (), replace=True, lifetime=lifetime)
        adds = {
            name: int(text) - self._loaded_number(name) for name, text in puts.items() if declaration_of(name).counter
        }
        return Change(
            {name: text for name, text in puts.items() if name not in adds}, self.drops(), lifetime=lifetime, add=adds
        )

    def texts(self) -> dict[str, str]:
        """Every variable as text, hidden ones included: what the session will hold."""
        kept = {name: text for name, text in self._texts.items() if name not in self._dropped}
        return kept | {name: self._text(name) for name in self._values}

    def size(self, name: str = "") -> int:
        """Bytes of one variable's text, or of all of them. (JSON as we write it is ASCII.)"""
        if name:
            return len(self._text(name)) if name in self._values else len(self._texts.get(name, ""))
        return sum(map(len, self.texts().values()))

    def changed(self) -> list[str]:
        return sorted({*self.puts(), *self._dropped})

    def pretend(self, operation: Operation) -> str | None:
        """Do here alone what a store would do, and return the new text."""
        name = operation.name
        text = operation.on(serializer.encode(name, self[name]) if name in self else None)
        if text is not None:
            self[name] = serializer.decode(text)
        elif name in self:
            del self[name]
        return text

    def settle(self) -> None:
        """What was sent is now what is stored."""
        self._texts = self.texts()
        self._held.clear()
        self._assigned.clear()
        self._dropped.clear()

    def hold(self) -> None:
        """Keep the values' texts as they are now: a save asks for them again and again."""
        self._held.clear()
        self._held = {name: self._text(name) for name in self._values}

    def let_go(self) -> None:
        """From now on texts are those of the values again."""
        self._held.clear()

    def learn(self, name: str, text: str | None) -> None:
        """Take over one variable as the store has just changed it."""
        self._values.pop(name, None)
        self._held.pop(name, None)
        self._assigned.discard(name)
        self._dropped.discard(name)
        if text is None:
            self._texts.pop(name, None)
        else:
            self._texts[name] = text

    def _is_kept(self, name: object) -> bool:
        if name not in self._texts or name in self._dropped:
            return False
        said = declaration_of(str(name))
        if said.guarded and not self._all_visible:
            return False
        return not said.ttl or ttl.is_fresh(self._texts[str(name)])

    def _decoded(self, name: str) -> Any:
        text = self._texts[name]
        return ttl.opened(text) if declaration_of(name).ttl else serializer.decode(text)

    def _text(self, name: str) -> str:
        """The value's text; with a time to live, a new one where it was assigned or changed."""
        if name in self._held:
            return self._held[name]
        value, seconds = self._values[name], declaration_of(name).ttl
        if not seconds:
            return serializer.encode(name, value)
        loaded = self._texts.get(name)
        if loaded is not None and name not in self._assigned and ttl.opened(loaded) == value:
            return loaded
        return ttl.closed(name, value, seconds)

    def _loaded_number(self, name: str) -> int:
        """What the store had for a counter; 0 where it is dropped first."""
        return 0 if name in self._dropped else int(self._texts.get(name, "0"))

    def _visible(self, name: str) -> bool:
        return self._all_visible or not declaration_of(name).guarded
