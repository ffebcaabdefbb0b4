"""``SESSIONS_FARM``: its schema, and settings that contradict each other."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name

from sessions_farm.checks.schema import Schema
from sessions_farm.conf import Options

SCHEMA = Schema(
    setting="SESSIONS_FARM",
    options=Options,
    app="sessions_farm",
    example='{"STORE": "database"}',
    zero_allowed=frozenset({"BREAKER_REST", "GRACE", "MAX_LIVE", "SESSION_WARNING", "TIER_POLL"}),
    types={"FOLDER": str | os.PathLike},
    checked_elsewhere=frozenset({"VARIABLES"}),
)
LONG_GRACE = 60  # seconds
COOKIE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)  # accepted by every browser and proxy


def cookie_name_errors(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a name that a cookie cannot have."""
    if SCHEMA.is_valid(given, "COOKIE_NAME") and not COOKIE_NAME.fullmatch(SCHEMA.value(given, "COOKIE_NAME")):
        yield Error(
            f'SESSIONS_FARM["COOKIE_NAME"] = {given["COOKIE_NAME"]!r} can name no cookie.',
            hint="It takes letters, digits, _ and -; prefixes as __Host- are put before it where the site has HTTPS.",
            id="sessions_farm.E017",
        )


def contradictions(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse pairs of which the first is more than the second, so that one of them is never reached."""
    for less, more, message, hint in (
        ("VARIABLE_LIMIT", "SESSION_LIMIT", Error, "A variable is refused with its session: raise SESSION_LIMIT."),
        ("SESSION_WARNING", "SESSION_LIMIT", Warning, "A refused session is not warned of: lower SESSION_WARNING."),
        ("IDLE", "ABSOLUTE", Warning, "The absolute time-out comes first: lower IDLE."),
        ("IDLE_SIGNED_IN", "ABSOLUTE", Warning, "The absolute time-out comes first: lower IDLE_SIGNED_IN."),
        ("IDLE_STAFF", "IDLE_SIGNED_IN", Warning, "Staff can do more than others, so let them idle less."),
        ("ABSOLUTE", "COOKIE_AGE", Warning, "A session without its cookie is lost before its time: raise COOKIE_AGE."),
    ):
        if not (SCHEMA.is_valid(given, less) and SCHEMA.is_valid(given, more)):
            continue
        smaller, larger = SCHEMA.value(given, less), SCHEMA.value(given, more)
        if smaller > larger:
            yield message(
                f"SESSIONS_FARM: {less} ({smaller}) is more than {more} ({larger}).",
                hint=hint,
                id="sessions_farm.E008" if message is Error else "sessions_farm.W004",
            )


def long_grace(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of a grace period in which an old id could be abused."""
    if SCHEMA.is_valid(given, "GRACE") and SCHEMA.value(given, "GRACE") > LONG_GRACE:
        yield Warning(
            f'SESSIONS_FARM["GRACE"] is {SCHEMA.value(given, "GRACE")} seconds.',
            hint="For so long an id from before a login reads the old session: give requests in flight 10 seconds.",
            id="sessions_farm.W005",
        )
