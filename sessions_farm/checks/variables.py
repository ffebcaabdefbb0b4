"""``VARIABLES``: declarations whose properties exist and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from django.core.checks import CheckMessage, Error

from sessions_farm.checks.schema import closest_hint
from sessions_farm.declarations import AUTH_VARIABLES, OWNER, Declaration
from sessions_farm.session.variables import EXPIRY, SIGNED_IN, STAFF

PROPERTIES = {field.name: type(field.default) for field in fields(Declaration)}
LOGIN_FACTS = {SIGNED_IN, STAFF, "_farm_staff_of"}  # may be shared and indexed: every host may know them
RESERVED = {*LOGIN_FACTS, *AUTH_VARIABLES, OWNER, EXPIRY}
EXCLUSIVE = (
    ("counter", "ttl", "A sum has no time of assignment: drop one of the two, and reset the counter yourself."),
    ("indexed", "ttl", "A value that has expired would still be found: drop one of the two."),
    ("guarded", "shared", "A value for the master host alone cannot be shown to other sessions: drop one of the two."),
)


def declaration_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse declarations that cannot be read."""
    variables = given.get("VARIABLES", {})
    if not isinstance(variables, Mapping):
        yield variable_error(
            "E010", 'SESSIONS_FARM["VARIABLES"] is no dictionary.', 'Write {"current_page": {"indexed": True}}.'
        )
        return
    for name, properties in variables.items():
        yield from errors_of_variable(name, properties)


def errors_of_variable(name: Any, properties: Any) -> Iterator[CheckMessage]:
    """Refuse a name, its properties, or some of them at once."""
    if not isinstance(name, str) or not name or "*" in name[:-1]:
        yield variable_error(
            "E010", f"VARIABLES: {name!r} names no variable.", 'Give a name, or a family as "checkout_*".'
        )
        return
    if not isinstance(properties, Mapping):
        yield variable_error(
            "E010", f"VARIABLES: {name!r} has no dictionary of properties.", 'Write {"indexed": True}.'
        )
        return
    wrong = list(property_errors(name, properties))
    yield from wrong or combination_errors(name, properties)


def combination_errors(name: str, properties: Mapping[str, Any]) -> Iterator[CheckMessage]:
    """Refuse properties that exclude each other, or that a family or a reserved name cannot have."""
    true = {prop for prop, value in properties.items() if value}
    for one, other, hint in EXCLUSIVE:
        if {one, other} <= true:
            yield variable_error("E011", f"VARIABLES: {name!r} is {one} and {other} at once.", hint)
    if name.endswith("*") and true & {"indexed", "shared"}:
        which = " and ".join(sorted(true & {"indexed", "shared"}))
        yield variable_error(
            "E012", f"VARIABLES: the family {name!r} is {which}.", "Declare each of its names by itself."
        )
    yield from reserved_errors(name, true)


def property_errors(name: str, properties: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    """Refuse unknown properties, and values of the wrong type."""
    for prop, value in properties.items():
        kind = PROPERTIES.get(prop)
        if kind is None:
            hint = closest_hint(prop, PROPERTIES)
            yield variable_error("E010", f"VARIABLES: {name!r} has the unknown property {prop!r}.", hint)
        elif type(value) is not kind or (isinstance(value, int) and value < 0):
            hint = "Give whole seconds." if kind is int else "Give True or False."
            yield variable_error("E010", f"VARIABLES: {prop} of {name!r} is {value!r}.", hint)


def reserved_errors(name: str, true: set[str]) -> Iterator[CheckMessage]:
    """Refuse to declare the engine's own variables, and those of Django's auth."""
    if name.endswith("*"):
        taken = sorted(one for one in RESERVED if one.startswith(name[:-1]))
    else:
        taken = [name] if name in RESERVED and not (name in LOGIN_FACTS and true <= {"indexed", "shared"}) else []
    if taken:
        yield variable_error(
            "E013",
            f"VARIABLES: {name!r} declares {', '.join(taken)} anew.",
            f"These are the engine's and Django's own; only {', '.join(sorted(LOGIN_FACTS))} may be indexed or shared.",
        )


def variable_error(number: str, message: str, hint: str) -> CheckMessage:
    """Return an error of this module."""
    return Error(message, hint=hint, id=f"sessions_farm.{number}")
