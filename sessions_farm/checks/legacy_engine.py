"""``LEGACY_ENGINE``: the engine that sessions are moved from."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks

from sessions_farm.checks.django_settings import LEGACY_ENGINE, SESSION_MIDDLEWARE

STOCK = "django.contrib.sessions.backends."
IN_TABLES = {f"{STOCK}db", f"{STOCK}cached_db"}


def legacy_engine_errors(given: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    """Refuse an engine that cannot be used, and a cookie without an engine."""
    engine = given.get("LEGACY_ENGINE", "")
    if not isinstance(engine, str):  # refused by the schema
        return
    if not engine:
        if given.get("LEGACY_COOKIE"):
            yield checks.Warning(
                'SESSIONS_FARM["LEGACY_COOKIE"] is not used.',
                hint="Name in LEGACY_ENGINE the engine of the sessions to move, or remove LEGACY_COOKIE.",
                id="sessions_farm.W020",
            )
    elif engine == "sessions_farm.engine":
        yield checks.Error(
            'SESSIONS_FARM["LEGACY_ENGINE"] is this engine itself.',
            hint=f'Name the former engine, as "{STOCK}db"; to change the store, see "manage.py sessions".',
            id="sessions_farm.E021",
        )
    elif engine in IN_TABLES and not apps.is_installed("django.contrib.sessions"):
        yield checks.Error(
            f'SESSIONS_FARM["LEGACY_ENGINE"] = {engine!r} has its table in an app that is not installed.',
            hint='Keep "django.contrib.sessions" in INSTALLED_APPS until the sessions have moved.',
            id="sessions_farm.E022",
        )
    elif LEGACY_ENGINE not in settings.MIDDLEWARE:
        yield checks.Error(
            f'SESSIONS_FARM["LEGACY_ENGINE"] = {engine!r} is not asked: no middleware moves its sessions.',
            hint=f"Put {LEGACY_ENGINE} into MIDDLEWARE, directly before {SESSION_MIDDLEWARE}.",
            id="sessions_farm.E023",
        )
    elif fault := engine_import_error(engine):
        yield checks.Error(
            f'SESSIONS_FARM["LEGACY_ENGINE"] = {engine!r} is no session engine: {fault}',
            hint=f'Give the former SESSION_ENGINE, as "{STOCK}db", "{STOCK}cache" or "{STOCK}signed_cookies".',
            id="sessions_farm.E020",
        )


def engine_import_error(engine: str) -> str:
    """Return why no ``SessionStore`` can be imported from a module; '' where it can."""
    try:
        import_module(engine).SessionStore  # noqa: B018 -- whether it is there
    except (ImportError, AttributeError, ValueError) as error:
        return str(error)
    return ""
