"""What ``VARIABLES`` declares: properties that there are, and that go together."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from django.core.checks import CheckMessage, Error

from sessions_farm.declarations import AUTH_VARIABLES, OWNER, Declaration
from sessions_farm.session.variables import EXPIRY, SIGNED_IN, STAFF

PROPERTIES = {field.name: type(field.default) for field in fields(Declaration)}
FACTS = {SIGNED_IN, STAFF, "_farm_staff_of"}  # may be shown and found, as every host may know them anyway
RESERVED = {*FACTS, *AUTH_VARIABLES, OWNER, EXPIRY}
APART = (
    ("counter", "ttl", "A sum has no moment at which it was assigned: keep the counter, and sweep it yourself."),
    ("indexed", "ttl", "What has gone by itself would still be found: drop one of the two."),
    ("guarded", "shared", "What only the master host may know cannot be told to other sessions: drop one of the two."),
)


def declaration_faults(given: dict[str, Any]) -> Iterator[CheckMessage]:
    variables = given.get("VARIABLES", {})
    if not isinstance(variables, Mapping):
        yield fault(
            "E010", 'SESSIONS_FARM["VARIABLES"] is no dictionary.', 'Write {"current_page": {"indexed": True}}.'
        )
        return
    for name, properties in variables.items():
        yield from faults_of_one(name, properties)


def faults_of_one(name: Any, properties: Any) -> Iterator[CheckMessage]:
    if not isinstance(name, str) or not name or "*" in name[:-1]:
        yield fault("E010", f"VARIABLES: {name!r} names no variable.", 'Give a name, or a family as "checkout_*".')
        return
    if not isinstance(properties, Mapping):
        yield fault("E010", f"VARIABLES: {name!r} has no dictionary of properties.", 'Write {"indexed": True}.')
        return
    wrong = list(wrong_properties(name, properties))
    yield from wrong
    if wrong:
        return
    said = {prop for prop, value in properties.items() if value}
    for one, other, hint in APART:
        if {one, other} <= said:
            yield fault("E011", f"VARIABLES: {name!r} is {one} and {other} at once.", hint)
    if name.endswith("*") and said & {"indexed", "shared"}:
        which = " and ".join(sorted(said & {"indexed", "shared"}))
        yield fault("E012", f"VARIABLES: the family {name!r} is {which}.", "Declare each of its names by itself.")
    yield from reserved(name, said)


def wrong_properties(name: str, properties: Mapping[Any, Any]) -> Iterator[CheckMessage]:
    for prop, value in properties.items():
        kind = PROPERTIES.get(prop)
        if kind is None:
            near = difflib.get_close_matches(str(prop), PROPERTIES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(PROPERTIES)}."
            yield fault("E010", f"VARIABLES: {name!r} has a property {prop!r} that there is not.", hint)
        elif type(value) is not kind or (isinstance(value, int) and value < 0):
            hint = "Give whole seconds." if kind is int else "Give True or False."
            yield fault("E010", f"VARIABLES: {prop} of {name!r} is {value!r}.", hint)


def reserved(name: str, said: set[str]) -> Iterator[CheckMessage]:
    """The farm's own variables, and Django's of auth, hold by being what they are."""
    if name.endswith("*"):
        taken = sorted(one for one in RESERVED if one.startswith(name[:-1]))
    else:
        taken = [name] if name in RESERVED and not (name in FACTS and said <= {"indexed", "shared"}) else []
    if taken:
        yield fault(
            "E013",
            f"VARIABLES: {name!r} declares {', '.join(taken)} anew.",
            f"These are the farm's and Django's own; only {', '.join(sorted(FACTS))} may be indexed or shared.",
        )


def fault(number: str, message: str, hint: str) -> CheckMessage:
    return Error(message, hint=hint, id=f"sessions_farm.{number}")
