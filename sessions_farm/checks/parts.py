"""The parts of each check, in the order of their messages."""

from __future__ import annotations

from sessions_farm.checks import databases, django_settings, legacy_engine, options, servers, stores, variables
from sessions_farm.checks.options import SCHEMA as SCHEMA  # noqa: PLC0414 -- from here, too
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
    databases.scattered_tables,
    databases.events_of_another_database,
    django_settings.middleware_errors,
    django_settings.ignored_settings,
    django_settings.leftover_app,
    legacy_engine.legacy_engine_errors,
)
PARTS_AT_DEPLOYMENT: tuple[Part, ...] = (
    django_settings.insecure_cookie,
    stores.store_of_one_process,
    databases.unbounded_waits,
)
PARTS_WITH_SERVERS: tuple[Part, ...] = (servers.old_redis, servers.undelivered_events)
