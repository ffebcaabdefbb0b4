"""Checks that every dictionary of settings needs: known names, values of the right type, importable paths."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

type Part = Callable[[dict[str, Any]], Iterator[CheckMessage]]


@dataclass(frozen=True)
class Schema:
    """The rules for one dictionary of settings, which is read into the dataclass ``options``."""

    setting: str
    options: type[Any]
    app: str  # begins the ids of its messages
    example: str  # of the whole dictionary
    zero_allowed: frozenset[str] = frozenset()  # numbers of which 0 switches something off
    types: Mapping[str, Any] = MappingProxyType({})  # of names that take more than their annotation says
    examples: Mapping[str, str] = MappingProxyType({})  # of names whose default shows too little
    checked_elsewhere: frozenset[str] = field(default=frozenset())

    @cached_property
    def names(self) -> dict[str, str]:
        """The fields by the names that they have in the settings."""
        return {each.name.upper(): each.name for each in fields(self.options)}

    @cached_property
    def defaults(self) -> dict[str, Any]:
        return {
            each.name.upper(): each.default if each.default_factory is MISSING else each.default_factory()
            for each in fields(self.options)
        }

    @cached_property
    def kinds(self) -> dict[str, Any]:
        hints = get_type_hints(self.options)
        return {name: self.types.get(name, hints[attribute]) for name, attribute in self.names.items()}

    def run(self, parts: Iterable[Part]) -> list[CheckMessage]:
        """Return the messages of all parts; none where the setting is no dictionary."""
        given = getattr(settings, self.setting, {})
        return [message for part in parts for message in part(given)] if isinstance(given, dict) else []

    def wrong_container(self) -> list[CheckMessage]:
        """Refuse a setting that is no dictionary."""
        given = getattr(settings, self.setting, {})
        if isinstance(given, dict):
            return []
        return [
            Error(
                f"{self.setting} is a {type(given).__name__}, and has to be a dictionary.",
                hint=f"Write {self.setting} = {self.example}.",
                id=f"{self.app}.E009",
            )
        ]

    def unknown_names(self, given: dict[str, Any]) -> Iterator[CheckMessage]:
        """Refuse names that no field has."""
        for name in given:
            if name not in self.names:
                hint = closest_hint(name, sorted(self.names))
                yield Error(f"{self.setting} has no setting {name!r}.", hint=hint, id=f"{self.app}.E001")

    def wrong_values(self, given: dict[str, Any]) -> Iterator[CheckMessage]:
        """Refuse values of the wrong type, and numbers below their minimum."""
        for name, value in given.items():
            if name not in self.names or name in self.checked_elsewhere:
                continue
            if not self.is_valid(given, name):
                yield self._wrong_type(name, value)
            elif self.kinds[name] in {int, float} and self._is_too_small(name, value):
                minimum = "0 or more" if name in self.zero_allowed else "more than 0"
                yield Error(
                    f"{self.label(name)} = {value!r} is too small.",
                    hint=f"It takes {minimum}; the default is {self.defaults[name]!r}.",
                    id=f"{self.app}.E007",
                )

    def wrong_path(self, label: str, path: Any, takes: str) -> Iterator[CheckMessage]:
        """Refuse a dotted path that leads to nothing callable. ``takes``: the description of a right one."""
        if fault := import_error(path):
            hint = f"Give the dotted path of {takes}."
            yield Error(f"{label} = {path!r} {fault}.", hint=hint, id=f"{self.app}.E003")

    def label(self, name: str) -> str:
        """Return the expression that names a setting in a message."""
        return f'{self.setting}["{name}"]'

    def value(self, given: dict[str, Any], name: str) -> Any:
        """Return the value in force, a default where none is given."""
        return given.get(name, self.defaults[name])

    def is_valid(self, given: dict[str, Any], name: str) -> bool:
        """Return whether a setting has its type; ``wrong_values`` refuses it otherwise."""
        return has_type(self.value(given, name), self.kinds[name])

    def _is_too_small(self, name: str, value: float) -> bool:
        return value < 0 or (value == 0 and name not in self.zero_allowed)

    def _wrong_type(self, name: str, value: Any) -> CheckMessage:
        kind = self.kinds[name]
        takes = getattr(kind, "__name__", str(kind)) if get_origin(kind) is None else str(kind)
        return Error(
            f"{self.label(name)} = {value!r} is of the wrong type.",
            hint=f"It takes {takes}, such as {self.examples.get(name, repr(self.defaults[name]))}.",
            id=f"{self.app}.E006",
        )


def has_type(value: Any, kind: Any) -> bool:
    """Return whether a value has an annotated type; a bool is no number, an int is a float, a list is a tuple."""
    origin = get_origin(kind)
    if kind in {int, float} and isinstance(value, bool):
        return False
    if kind is float:
        return isinstance(value, (int, float))
    if origin is tuple:
        return isinstance(value, (list, tuple)) and all(isinstance(each, get_args(kind)[0]) for each in value)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return isinstance(value, Mapping)
    return isinstance(value, kind)


def import_error(path: Any) -> str:
    """Return why a dotted path is none of something callable; '' where it is one."""
    try:
        return "" if callable(import_string(path)) else "cannot be called"
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        return f"cannot be imported: {error}"


def closest_hint(name: Any, known: Iterable[str]) -> str:
    """Return the known name that an unknown one most resembles, as a question; all names where none does."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1)
    return f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
