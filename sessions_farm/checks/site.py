"""What Django's own settings say: the middleware and its order, and what would be said for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import global_settings, settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name

ENGINE = "sessions_farm.engine"
GATE = "sessions_farm.communities.middleware.HostMiddleware"
STRICT = "sessions_farm.web.middleware.StrictCookies"
OURS = "sessions_farm.web.middleware.SessionMiddleware"
HANDOFF = "sessions_farm.communities.handoff.middleware.HandoffMiddleware"
DJANGOS = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
ORDER = (
    (GATE, STRICT, "No other may be served on a host that is not in the registry."),
    (STRICT, OURS, "Cookies are read strictly before one of them is believed."),
    (OURS, HANDOFF, "The hand-off asks for the session's id."),
    (OURS, AUTH, "Who is signed in stands in the session."),
    (OURS, MESSAGES, "Messages may stand in the session."),
    (HANDOFF, AUTH, "A visitor who is handed off first has the right session for what follows."),
)
JSON = "django.contrib.sessions.serializers.JSONSerializer"
IGNORED = {
    "SESSION_COOKIE_AGE": 'SESSIONS_FARM has "COOKIE_AGE", "IDLE" and "ABSOLUTE".',
    "SESSION_COOKIE_NAME": 'SESSIONS_FARM has "COOKIE_NAME", and each community its own.',
    "SESSION_COOKIE_DOMAIN": "A cookie is of one host; the hand-off carries sessions over hosts.",
    "SESSION_COOKIE_PATH": "The prefix of the cookie's name asks for the path /.",
    "SESSION_COOKIE_HTTPONLY": "No script may read the cookie.",
    "SESSION_COOKIE_SAMESITE": "Lax lets the hand-off pass and forms of other sites not.",
    "SESSION_CACHE_ALIAS": 'No cache of CACHES is needed: SESSIONS_FARM has "REDIS_URL".',
    "SESSION_FILE_PATH": 'SESSIONS_FARM has "FOLDER".',
}


def middleware_faults(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    if settings.SESSION_ENGINE != ENGINE:
        return
    listed = list(settings.MIDDLEWARE)
    missing = [path for path in (STRICT, OURS) if path not in listed]
    if missing or DJANGOS in listed:
        said = f"lacks {', '.join(missing)}" if missing else f"has {DJANGOS} too"
        yield Error(
            f"SESSION_ENGINE is {ENGINE}, but MIDDLEWARE {said}.",
            hint="Django's own middleware would put the bare id into the cookie, unsigned, and refuse ours.",
            id="sessions_farm.E004",
        )
        return
    for first, second, why in ORDER:
        if first in listed and second in listed and listed.index(first) > listed.index(second):
            yield Error(f"{first} must stand before {second}.", hint=why, id="sessions_farm.E005")


def ignored_settings(given: dict[str, Any]) -> Iterator[CheckMessage]:
    if settings.SESSION_ENGINE != ENGINE:
        return
    moves = bool(given.get("FALLBACK_ENGINE"))  # by what Django's engine goes by, so it is of use still
    if settings.SESSION_SERIALIZER != JSON and not moves:
        yield Warning(
            "SESSION_SERIALIZER is not used: values are JSON.",
            hint="Keep values that JSON knows; a pickle would be code in the store.",
            id="sessions_farm.W001",
        )
    if settings.SESSION_SAVE_EVERY_REQUEST:
        yield Warning(
            "SESSION_SAVE_EVERY_REQUEST is not used: every load begins the idle time anew.",
            hint="Remove it.",
            id="sessions_farm.W002",
        )
    for name, hint in IGNORED.items() if not moves else ():
        if getattr(settings, name) != getattr(global_settings, name):
            yield Warning(f"{name} is not used.", hint=f"{hint} Remove it.", id="sessions_farm.W003")


def trusted_origins(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    if GATE in settings.MIDDLEWARE and settings.CSRF_TRUSTED_ORIGINS:
        yield Warning(
            f"CSRF_TRUSTED_ORIGINS lets forms of {', '.join(settings.CSRF_TRUSTED_ORIGINS)} in, on every host.",
            hint="No host of a community needs another's forms: links lead from one to another. Remove it.",
            id="sessions_farm.W022",
        )


def leftovers(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Django's own app may stay while sessions of its engines are still read."""
    if (
        settings.SESSION_ENGINE == ENGINE
        and apps.is_installed("django.contrib.sessions")
        and not given.get("FALLBACK_ENGINE")
    ):
        yield Warning(
            "INSTALLED_APPS has django.contrib.sessions, whose table nobody uses.",
            hint="Remove it, when no session of before is of use any more.",
            id="sessions_farm.W006",
        )


def insecure_cookie(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    if settings.SESSION_ENGINE == ENGINE and not settings.SESSION_COOKIE_SECURE:
        yield Warning(
            "SESSION_COOKIE_SECURE is not set: whoever listens has the session, and so may a sibling host.",
            hint="Set it to True; it also gives the cookie the prefix __Host-Http-.",
            id="sessions_farm.W007",
        )
