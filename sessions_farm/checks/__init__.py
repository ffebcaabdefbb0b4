"""What is wrong in the settings, said before it hurts, with what to do. README.md lists every id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from sessions_farm.checks import opted, places, site, values, variables

type Part = Callable[[dict[str, Any]], Iterator[checks.CheckMessage]]

PARTS: tuple[Part, ...] = (
    values.unknown_names,
    values.wrong_values,
    values.contradictions,
    values.paths,
    variables.declaration_faults,
    places.store_faults,
    places.redis_faults,
    places.folder_faults,
    places.switch_faults,
    site.middleware_faults,
    site.ignored_settings,
    site.trusted_origins,
    site.leftovers,
    opted.fallback_faults,
)
AT_DEPLOYMENT: tuple[Part, ...] = (site.insecure_cookie, places.store_of_one_process)


@checks.register(checks.Tags.compatibility)
def check_settings(**_kwargs: Any) -> list[checks.CheckMessage]:
    given = getattr(settings, "SESSIONS_FARM", {})
    if not isinstance(given, dict):
        return [
            checks.Error(
                "SESSIONS_FARM is no dictionary.",
                hint='Write SESSIONS_FARM = {"STORE": "database"}.',
                id="sessions_farm.E009",
            )
        ]
    return [message for part in PARTS for message in part(given)]


@checks.register(checks.Tags.database)
def check_communities(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """With ``manage.py check --database default``, and before migrations."""
    return list(opted.cookieless_faults()) if databases else []


@checks.register(checks.Tags.security, deploy=True)
def check_deployment(**_kwargs: Any) -> list[checks.CheckMessage]:
    given = getattr(settings, "SESSIONS_FARM", {})
    return [message for part in AT_DEPLOYMENT for message in part(given)] if isinstance(given, dict) else []
