"""The stores that settings name: their Redis, their folder, and the switch from one to another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name
from django.core.exceptions import ImproperlyConfigured

from sessions_farm.checks.options import SCHEMA
from sessions_farm.checks.schema import import_error
from sessions_farm.conf import Options
from sessions_farm.stores import NAMED

STORE_SETTINGS = ("STORE", "SWITCH_FROM", "SWITCH_TO")
IN_REDIS = {"redis", "tiered"}
IN_SQL = {"database", "tiered"}


def stores_in_redis(given: dict[str, Any]) -> list[str]:
    """Return the named stores that keep sessions in Redis, sorted."""
    return sorted(IN_REDIS & {SCHEMA.value(given, setting) for setting in STORE_SETTINGS if is_text(given, setting)})


def keeps_sessions_in_sql(given: dict[str, Any]) -> bool:
    """Return whether one of the named stores keeps sessions in SQL."""
    return any(SCHEMA.value(given, setting) in IN_SQL for setting in STORE_SETTINGS if is_text(given, setting))


def store_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a store that cannot be imported."""
    for setting in STORE_SETTINGS:
        named = SCHEMA.value(given, setting)
        if not isinstance(named, str) or not (named or setting == "STORE"):
            continue
        fault = import_error(NAMED.get(named, named))
        if fault:
            yield Error(
                f'SESSIONS_FARM["{setting}"] = {named!r} {fault}.',
                hint=f"Stores by name: {', '.join(NAMED)}; any other by its dotted path.",
                id="sessions_farm.E003",
            )


def redis_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a store in Redis without an address, without the package, or with a wrong address."""
    named = stores_in_redis(given)
    url = SCHEMA.value(given, "REDIS_URL")
    if not isinstance(url, str) or not (named or url):
        return
    if not url:
        yield Error(
            f"The session store {named[0]!r} needs a Redis.",
            hint='Give SESSIONS_FARM["REDIS_URL"], or choose "database".',
            id="sessions_farm.E002",
        )
    elif find_spec("redis") is None:
        if named:
            yield Error(
                f"The session store {named[0]!r} needs the package redis.",
                hint="pip install redis",
                id="sessions_farm.E014",
            )
    else:
        yield from redis_address_errors(given)


def redis_address_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse an address that cannot be read, and certificates that are not readable."""
    from sessions_farm.stores.redis.address import address_of  # noqa: PLC0415 -- redis is an extra

    settings = {name: given[name] for name in given if name.startswith("REDIS_") and name in SCHEMA.names}
    try:
        address_of(Options(**{SCHEMA.names[name]: value for name, value in settings.items()}))
    except ImproperlyConfigured as error:
        hint = "redis://[user[:password]@]host[:6379][/database], rediss:// over TLS, redis+sentinel://host,…/service"
        yield Error(str(error), hint=hint, id="sessions_farm.E014")
    for name in ("REDIS_TLS_CA", "REDIS_TLS_CERT", "REDIS_TLS_KEY"):
        path = settings.get(name)
        if path and isinstance(path, str) and not os.access(path, os.R_OK):
            yield Error(
                f'SESSIONS_FARM["{name}"] = {path!r} cannot be read.',
                hint="Give the path of a PEM file that the site's user may read.",
                id="sessions_farm.E014",
            )


def folder_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a folder that is missing or cannot be written."""
    folder = SCHEMA.value(given, "FOLDER")
    if "file" not in {given.get(setting) for setting in STORE_SETTINGS if is_text(given, setting)}:
        return
    if not folder:
        fault, hint = "The session store 'file' needs a folder.", 'Give SESSIONS_FARM["FOLDER"].'
    elif not isinstance(folder, (str, os.PathLike)):
        return
    elif not (place := Path(folder) if Path(folder).is_dir() else Path(folder).parent).is_dir():
        # The store makes its own folder and none above it: a share that is not mounted stays missing.
        fault, hint = f"The folder {str(place)!r} above the session store's is missing.", "Make it, or mount it."
    elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        fault = f"The folder {str(place)!r} of the session store cannot be written."
        hint = "Let the site's user alone read and write it: chown, chmod 700."
    else:
        return
    yield Error(fault, hint=hint, id="sessions_farm.E015")


def switch_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a switch between two stores that cannot be made."""
    store, before, after = (SCHEMA.value(given, setting) for setting in STORE_SETTINGS)
    if before and after:
        yield Error(
            "SESSIONS_FARM has SWITCH_FROM and SWITCH_TO at once.",
            hint="SWITCH_TO first on every node, with the old STORE; then SWITCH_FROM, with the new one.",
            id="sessions_farm.E016",
        )
    for setting, other in (("SWITCH_FROM", before), ("SWITCH_TO", after)):
        if not other:
            continue
        hint = ""
        if other == store:
            hint = f"Nothing is to be moved: remove {setting}."
        elif "memory" in {store, other}:
            hint = "Sessions in the memory of a process can be moved by that process alone: let them expire."
        elif {store, other} == IN_SQL:
            hint = "Both keep the same tables, so there is nothing to move: change STORE alone."
        if hint:
            yield Error(
                f"SESSIONS_FARM: there is no switch between STORE {store!r} and {setting} {other!r}.",
                hint=hint,
                id="sessions_farm.E016",
            )


def store_of_one_process(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of sessions that other processes do not see."""
    if given.get("STORE") == "memory":
        yield Warning(
            "The session store 'memory' is each process's own, and empty after a restart.",
            hint='Choose "database", or "tiered" with a Redis.',
            id="sessions_farm.W008",
        )


def is_text(given: dict[str, Any], setting: str) -> bool:
    return isinstance(SCHEMA.value(given, setting), str)
