"""System checks of the engine: each message names a wrong setting and its cure. README.md lists the ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks

from sessions_farm.checks import django_settings, legacy_engine, options, servers, stores, variables
from sessions_farm.checks.options import SCHEMA
from sessions_farm.checks.schema import Part

PARTS: tuple[Part, ...] = (
    SCHEMA.unknown_names,
    SCHEMA.wrong_values,
    options.cookie_name_errors,
    options.contradictions,
    options.long_grace,
    variables.declaration_errors,
    stores.store_errors,
    stores.redis_errors,
    stores.folder_errors,
    stores.switch_errors,
    django_settings.middleware_errors,
    django_settings.ignored_settings,
    django_settings.leftover_app,
    legacy_engine.fallback_errors,
)
PARTS_AT_DEPLOYMENT: tuple[Part, ...] = (django_settings.insecure_cookie, stores.store_of_one_process)
PARTS_WITH_SERVERS: tuple[Part, ...] = (servers.old_redis,)


@checks.register(checks.Tags.compatibility)
def check_settings(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check the settings by themselves, without asking any server."""
    return SCHEMA.wrong_container() + SCHEMA.run(PARTS)


@checks.register(checks.Tags.security, deploy=True)
def check_deployment(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Check what only matters where real people's sessions are: with ``manage.py check --deploy``."""
    return SCHEMA.run(PARTS_AT_DEPLOYMENT)


@checks.register(checks.Tags.database)
def check_servers(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Ask the servers for their versions: with ``manage.py check --database default``, and before migrations."""
    return SCHEMA.run(PARTS_WITH_SERVERS) if databases else []
