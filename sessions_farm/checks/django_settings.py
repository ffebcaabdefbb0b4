"""Django's own settings: the middleware and its order, and settings that have no effect on this engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import global_settings, settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name

ENGINE = "sessions_farm.engine"
STRICT_COOKIES = "sessions_farm.web.middleware.StrictCookies"
SESSION_MIDDLEWARE = "sessions_farm.web.middleware.SessionMiddleware"
LEGACY_ENGINE = "sessions_farm.web.legacy_engine.LegacyEngineMiddleware"
DJANGO_SESSION_MIDDLEWARE = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
MESSAGES = "django.contrib.messages.middleware.MessageMiddleware"
ORDER = (
    (STRICT_COOKIES, SESSION_MIDDLEWARE, "Cookies are read strictly before one of them is believed."),
    (LEGACY_ENGINE, SESSION_MIDDLEWARE, "It moves a session before another one is begun."),
    (SESSION_MIDDLEWARE, AUTH, "The signed-in user is read from the session."),
    (SESSION_MIDDLEWARE, MESSAGES, "Messages may be kept in the session."),
)
JSON = "django.contrib.sessions.serializers.JSONSerializer"
IGNORED = {
    "SESSION_COOKIE_AGE": 'SESSIONS_FARM has "COOKIE_AGE", "IDLE" and "ABSOLUTE".',
    "SESSION_COOKIE_NAME": 'SESSIONS_FARM has "COOKIE_NAME".',
    "SESSION_COOKIE_DOMAIN": "A session cookie is sealed for one host, so that no sibling host can use or replace it.",
    "SESSION_COOKIE_PATH": "The prefix of the cookie's name asks for the path /.",
    "SESSION_COOKIE_HTTPONLY": "No script may read the cookie.",
    "SESSION_COOKIE_SAMESITE": "It is Lax: Strict would lose the session after a link from elsewhere, None adds CSRF.",
    "SESSION_CACHE_ALIAS": 'No cache of CACHES is needed: SESSIONS_FARM has "REDIS_URL".',
    "SESSION_FILE_PATH": 'SESSIONS_FARM has "FOLDER".',
}


def middleware_errors(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse a list of middleware without this engine's, or with Django's session middleware too."""
    if settings.SESSION_ENGINE != ENGINE:
        return
    listed = list(settings.MIDDLEWARE)
    missing = [path for path in (STRICT_COOKIES, SESSION_MIDDLEWARE) if path not in listed]
    if missing or DJANGO_SESSION_MIDDLEWARE in listed:
        finding = f"lacks {', '.join(missing)}" if missing else f"has {DJANGO_SESSION_MIDDLEWARE} too"
        yield Error(
            f"SESSION_ENGINE is {ENGINE}, but MIDDLEWARE {finding}.",
            hint="Django's own middleware would put the bare id into the cookie, unsigned, and refuse ours.",
            id="sessions_farm.E004",
        )
        return
    yield from order_errors(ORDER, "sessions_farm.E005")


def order_errors(order: Iterable[tuple[str, str, str]], message_id: str) -> Iterator[CheckMessage]:
    """Refuse middleware out of order. ``order``: the first, the second, and the reason."""
    listed = list(settings.MIDDLEWARE)
    for first, second, reason in order:
        if first in listed and second in listed and listed.index(first) > listed.index(second):
            yield Error(f"{first} must stand before {second}.", hint=reason, id=message_id)


def ignored_settings(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of Django's session settings that have no effect."""
    if settings.SESSION_ENGINE != ENGINE:
        return
    moves = bool(given.get("LEGACY_ENGINE"))  # then Django's engine still reads these settings
    if settings.SESSION_SERIALIZER != JSON and not moves:
        yield Warning(
            "SESSION_SERIALIZER is not used: values are JSON.",
            hint="Keep values that JSON can hold; a pickle would be code in the store. Remove the setting.",
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


def leftover_app(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of Django's own sessions app, unless sessions of its engines are still read."""
    if (
        settings.SESSION_ENGINE == ENGINE
        and apps.is_installed("django.contrib.sessions")
        and not given.get("LEGACY_ENGINE")
    ):
        yield Warning(
            "INSTALLED_APPS has django.contrib.sessions, whose table is not used.",
            hint="Remove it as soon as no old session is needed any more.",
            id="sessions_farm.W006",
        )


def insecure_cookie(_given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of a session cookie that is sent without TLS."""
    if settings.SESSION_ENGINE == ENGINE and not settings.SESSION_COOKIE_SECURE:
        yield Warning(
            "SESSION_COOKIE_SECURE is not set: an eavesdropper gets the session, and so may a sibling host.",
            hint="Set it to True; it also gives the cookie the prefix __Host-Http-.",
            id="sessions_farm.W007",
        )
