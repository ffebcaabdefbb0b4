"""What is wrong where somebody has opted for more: sessions without cookies."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from sessions_farm.models import Community

GATE = "sessions_farm.gate.HostGate"
OURS = "sessions_farm.middleware.SessionMiddleware"
CSRF = "django.middleware.csrf.CsrfViewMiddleware"


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
