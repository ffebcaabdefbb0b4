"""What is wrong in the settings, said before it hurts, with what to do."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string

from sessions_farm.conf import NAMES
from sessions_farm.stores import NAMED

ENGINE = "sessions_farm.engine"
OURS = ("sessions_farm.middleware.StrictCookies", "sessions_farm.middleware.SessionMiddleware")
JSON = "django.contrib.sessions.serializers.JSONSerializer"


@checks.register(checks.Tags.compatibility)
def check_settings(**_kwargs: Any) -> list[checks.CheckMessage]:
    given = getattr(settings, "SESSIONS_FARM", {})
    if not isinstance(given, dict):
        return [checks.Error("SESSIONS_FARM is no dictionary.", hint='Write SESSIONS_FARM = {"STORE": "database"}.')]
    parts: tuple[Callable[[dict[str, Any]], Iterator[checks.CheckMessage]], ...] = (
        unknown_names,
        store_faults,
        engine_faults,
        ignored_settings,
    )
    return [message for part in parts for message in part(given)]


def unknown_names(given: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    for name in given:
        if name not in NAMES:
            near = difflib.get_close_matches(str(name), NAMES, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(NAMES))}."
            yield checks.Error(f"SESSIONS_FARM has no setting {name!r}.", hint=hint, id="sessions_farm.E001")


def store_faults(given: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    store = given.get("STORE", "database")
    if store in {"redis", "tiered"} and not given.get("REDIS_URL"):
        yield checks.Error(
            f"The session store {store!r} needs a Redis.",
            hint='Give SESSIONS_FARM["REDIS_URL"], or choose "database".',
            id="sessions_farm.E002",
        )
    for setting in ("STORE", "STAFF_OF"):
        path = NAMED.get(given.get(setting, ""), given.get(setting))
        try:
            if path:
                import_string(path)
        except ImportError as error:
            yield checks.Error(
                f'SESSIONS_FARM["{setting}"] = {path!r} cannot be imported: {error}',
                hint=f"Stores by name: {', '.join(NAMED)}."
                if setting == "STORE"
                else "Give the dotted path of f(user).",
                id="sessions_farm.E003",
            )


def engine_faults(_given: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    if settings.SESSION_ENGINE != ENGINE:
        return
    places = [settings.MIDDLEWARE.index(path) if path in settings.MIDDLEWARE else None for path in OURS]
    if None in places:
        missing = ", ".join(path for path, place in zip(OURS, places, strict=True) if place is None)
        yield checks.Error(
            f"SESSION_ENGINE is {ENGINE}, but MIDDLEWARE lacks {missing}.",
            hint="Django's own middleware would put the bare id into the cookie, unsigned, and refuse ours.",
            id="sessions_farm.E004",
        )
    elif places != sorted(places):  # type: ignore[type-var]  # no None is left
        yield checks.Error(
            f"{OURS[0]} must stand before {OURS[1]}.",
            hint="Cookies are read strictly before one of them is believed.",
            id="sessions_farm.E005",
        )


def ignored_settings(_given: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    if settings.SESSION_ENGINE != ENGINE:
        return
    if settings.SESSION_SERIALIZER != JSON:
        yield checks.Warning(
            "SESSION_SERIALIZER is not used: values are JSON.",
            hint="Keep values that JSON knows; a pickle would be code in the store.",
            id="sessions_farm.W001",
        )
    if settings.SESSION_SAVE_EVERY_REQUEST:
        yield checks.Warning(
            "SESSION_SAVE_EVERY_REQUEST is not used: every load begins the idle time anew.",
            hint="Remove it.",
            id="sessions_farm.W002",
        )
