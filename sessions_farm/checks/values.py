"""Each setting of ``SESSIONS_FARM`` by itself, and those that contradict each other."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name
from django.utils.module_loading import import_string

from sessions_farm.conf import NAMES, Options

KINDS = get_type_hints(Options)
DEFAULTS = {field.name.upper(): field.default for field in fields(Options)}
MAY_BE_NONE_AT_ALL = {
    "BREAKER_REST",
    "GRACE",
    "HANDOFF_STARTS_PER_MINUTE",
    "MAX_LIVE",
    "PROBE_SECONDS",
    "REGISTRY_POLL_SECONDS",
    "SESSION_WARNING",
    "TIER_POLL",
}
LONG_GRACE = 60  # seconds
SHAPES = {'"RESOLVER"': "a Resolver", '"EXTERNAL_FACTS"': "f(visitor or None, member outside)"}
ADDRESS = re.compile(r"[^\s:/]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5}", re.ASCII)
COOKIE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # what every browser and proxy lets pass


def unknown_names(given: dict[str, Any]) -> Iterator[CheckMessage]:
    for name in given:
        if name not in NAMES:
            near = difflib.get_close_matches(str(name), NAMES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(NAMES))}."
            yield Error(f"SESSIONS_FARM has no setting {name!r}.", hint=hint, id="sessions_farm.E001")


def wrong_values(given: dict[str, Any]) -> Iterator[CheckMessage]:
    for name, value in given.items():
        if name not in NAMES or name == "VARIABLES":
            continue
        kind = KINDS[NAMES[name]]
        if not is_of(kind, value, name):
            said = getattr(kind, "__name__", str(kind))
            yield Error(
                f'SESSIONS_FARM["{name}"] = {value!r} is of the wrong type.',
                hint=f"It takes {said}, such as {DEFAULTS[name]!r}."
                if name != "PROFILES"
                else 'It takes {"user": "path"}.',
                id="sessions_farm.E006",
            )
        elif kind in {int, float} and (value < 0 or (value == 0 and name not in MAY_BE_NONE_AT_ALL)):
            least = "0" if name in MAY_BE_NONE_AT_ALL else "more than 0"
            yield Error(
                f'SESSIONS_FARM["{name}"] = {value!r} is too little.',
                hint=f"It takes {least}; the default is {DEFAULTS[name]!r}.",
                id="sessions_farm.E007",
            )
    if (
        is_right(given, "PROBE_ADDRESS")
        and given.get("PROBE_ADDRESS")
        and not ADDRESS.fullmatch(given["PROBE_ADDRESS"])
    ):
        yield Error(
            f'SESSIONS_FARM["PROBE_ADDRESS"] = {given["PROBE_ADDRESS"]!r} is no address.',
            hint="Write host:port, as lb:443.",
            id="sessions_farm.E025",
        )
    if is_right(given, "COOKIE_NAME") and not COOKIE_NAME.fullmatch(value_of(given, "COOKIE_NAME")):
        yield Error(
            f'SESSIONS_FARM["COOKIE_NAME"] = {given["COOKIE_NAME"]!r} can name no cookie.',
            hint="It takes letters, digits, _ and -; prefixes as __Host- are put before it where the site has HTTPS.",
            id="sessions_farm.E017",
        )


def contradictions(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Each pair: the first is to be no more than the second, or one of them is never reached."""
    for less, more, fault, hint in (
        ("VARIABLE_LIMIT", "SESSION_LIMIT", Error, "A variable is refused with its session: raise SESSION_LIMIT."),
        ("SESSION_WARNING", "SESSION_LIMIT", Warning, "What is refused is never warned of: lower SESSION_WARNING."),
        ("IDLE", "ABSOLUTE", Warning, "The absolute time-out comes first: lower IDLE."),
        ("IDLE_SIGNED_IN", "ABSOLUTE", Warning, "The absolute time-out comes first: lower IDLE_SIGNED_IN."),
        ("IDLE_STAFF", "IDLE_SIGNED_IN", Warning, "Staff can do more than others, so let them idle less."),
        ("ABSOLUTE", "COOKIE_AGE", Warning, "A session without its cookie is lost before its time: raise COOKIE_AGE."),
    ):
        if not (is_right(given, less) and is_right(given, more)):
            continue
        least, most = value_of(given, less), value_of(given, more)
        if least > most:
            yield fault(
                f"SESSIONS_FARM: {less} ({least}) is more than {more} ({most}).",
                hint=hint,
                id="sessions_farm.E008" if fault is Error else "sessions_farm.W004",
            )
    if is_right(given, "GRACE") and value_of(given, "GRACE") > LONG_GRACE:
        yield Warning(
            f'SESSIONS_FARM["GRACE"] is {value_of(given, "GRACE")} seconds.',
            hint="So long may an id of before a login still read what there was: give requests in flight 10 seconds.",
            id="sessions_farm.W005",
        )


def paths(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """What settings name by a dotted path is there, and can be called."""
    named = {}
    for name in ("STAFF_OF", "RESOLVER", "EXTERNAL_FACTS"):
        if is_right(given, name) and given.get(name):
            named[f'"{name}"'] = given[name]
    profiles = given.get("PROFILES", {})
    if isinstance(profiles, Mapping):
        named |= {f'"PROFILES", {name!r}': path for name, path in profiles.items()}
        for name in {"session", "visitor"} & profiles.keys():
            yield Error(
                f'SESSIONS_FARM["PROFILES"] names a profile {name!r}, as a scope is already named.',
                hint="Give it another name: about(request)[name + …] must be one of the two.",
                id="sessions_farm.E018",
            )
    for setting, path in named.items():
        fault = fault_of(path)
        if fault:
            yield Error(
                f"SESSIONS_FARM[{setting}] = {path!r} {fault}.",
                hint=f"Give the dotted path of {SHAPES.get(setting, 'f(user)')}.",
                id="sessions_farm.E003",
            )


def fault_of(path: Any) -> str:
    """Why a dotted path is no path of something to call; '' where it is one."""
    try:
        return "" if callable(import_string(path)) else "cannot be called"
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        return f"cannot be imported: {error}"


def value_of(given: dict[str, Any], name: str) -> Any:
    return given.get(name, DEFAULTS[name])


def is_right(given: dict[str, Any], name: str) -> bool:
    """Whether a setting has its type; what has not was told of already."""
    return is_of(KINDS[NAMES[name]], value_of(given, name), name)


def is_of(kind: Any, value: Any, name: str) -> bool:
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == tuple[str, ...]:
        return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)
    if name == "FOLDER":
        return isinstance(value, (str, os.PathLike))
    if name == "PROFILES":
        return isinstance(value, Mapping)
    return isinstance(value, kind)
