"""What is wrong where somebody has opted for more: moving from another engine, sessions without cookies."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from sessions_farm.communities.models import Community

STOCK = "django.contrib.sessions.backends."
IN_TABLES = {f"{STOCK}db", f"{STOCK}cached_db"}
GATE = "sessions_farm.communities.middleware.HostMiddleware"
OURS = "sessions_farm.web.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"


def fallback_faults(given: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    engine = given.get("FALLBACK_ENGINE", "")
    if not isinstance(engine, str):  # told of already
        return
    if not engine:
        if given.get("FALLBACK_COOKIE"):
            yield checks.Warning(
                'SESSIONS_FARM["FALLBACK_COOKIE"] is not used.',
                hint="Say in FALLBACK_ENGINE which engine's sessions to move, or remove both.",
                id="sessions_farm.W020",
            )
    elif engine == "sessions_farm.engine":
        yield checks.Error(
            'SESSIONS_FARM["FALLBACK_ENGINE"] is this engine itself.',
            hint=f'Name the engine that you had before, as "{STOCK}db"; to change the store, see "manage.py sessions".',
            id="sessions_farm.E021",
        )
    elif engine in IN_TABLES and not apps.is_installed("django.contrib.sessions"):
        yield checks.Error(
            f'SESSIONS_FARM["FALLBACK_ENGINE"] = {engine!r} has its table in an app that is not installed.',
            hint='Keep "django.contrib.sessions" in INSTALLED_APPS until the sessions have moved.',
            id="sessions_farm.E022",
        )
    elif fault := import_fault(engine):
        yield checks.Error(
            f'SESSIONS_FARM["FALLBACK_ENGINE"] = {engine!r} is no session engine: {fault}',
            hint=f'Give what SESSION_ENGINE was before, as "{STOCK}db", "{STOCK}cache" or "{STOCK}signed_cookies".',
            id="sessions_farm.E020",
        )


def import_fault(engine: str) -> str:
    try:
        import_module(engine).SessionStore  # noqa: B018 -- whether it is there
    except (ImportError, AttributeError, ValueError) as error:
        return str(error)
    return ""


def cookieless_faults() -> Iterator[checks.CheckMessage]:
    """Of communities that serve browsers without cookies."""
    try:
        names = [str(found) for found in Community.objects.filter(cookieless=True)]
    except DatabaseError:  # not migrated yet
        return
    if names:
        yield from placed_wrongly(", ".join(names))
        yield from risk(names)


def placed_wrongly(names: str) -> Iterator[checks.CheckMessage]:
    placed = {path: place for place, path in enumerate(settings.MIDDLEWARE)}
    if GATE not in placed:
        yield checks.Error(
            f"{names} cannot be served without cookies: no request has a community.",
            hint=f"Put {GATE} into MIDDLEWARE, before {OURS}.",
            id="sessions_farm.E023",
        )
    if placed.get(CSRF, len(placed)) < placed.get(OURS, -1):
        yield checks.Error(
            f"{names} would refuse every form of a visitor without cookies.",
            hint=f"Put {OURS} before {CSRF}, which must find its secret there.",
            id="sessions_farm.E024",
        )


def risk(names: list[str]) -> Iterator[checks.CheckMessage]:
    for name in names:
        yield checks.Warning(
            f"{name} serves browsers without cookies: whoever gets hold of such an address may become its visitor.",
            hint="Read sessions_farm/cookieless.py. If that is what you want, put the id into SILENCED_SYSTEM_CHECKS.",
            id="sessions_farm.W021",
        )
