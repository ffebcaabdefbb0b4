"""The databases of sessions: where routers write their tables, and whether waits for PostgreSQL end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name
from django.db import DEFAULT_DB_ALIAS, connections, router

from sessions_farm.checks.options import SCHEMA
from sessions_farm.checks.stores import keeps_sessions_in_sql

BOUNDS = ("connect_timeout", "tcp_user_timeout", "keepalives_idle")  # libpq's, which has no other


def scattered_tables(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Refuse routers that write the tables of sessions to several databases."""
    if not keeps_sessions_in_sql(given):
        return
    home = database_of("Session")
    names = [model.__name__ for model in apps.get_app_config("sessions_farm").get_models()]
    others = {name: database_of(name) for name in names if name != "DeliveredEvent" and database_of(name) != home}
    if others:
        yield Error(
            f"DATABASE_ROUTERS write Session to {home!r}, but {others}.",
            hint="A store writes a session in one statement: write all of its tables to the database of Session.",
            id="sessions_farm.E030",
        )


def events_of_another_database(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of events whose delivery no transaction can make one with the work of their receivers."""
    home = database_of("DeliveredEvent")
    if SCHEMA.value(given, "EVENTS") and home != DEFAULT_DB_ALIAS:
        yield Warning(
            f"DATABASE_ROUTERS write DeliveredEvent to {home!r}: a receiver of a session's event may be called again "
            f"after a crash, although its work in {DEFAULT_DB_ALIAS!r} was done.",
            hint=f"Write DeliveredEvent to {DEFAULT_DB_ALIAS!r}, or let receivers write to {home!r} alone, or have "
            "them bear a second call; silence this warning then.",
            id="sessions_farm.W030",
        )


def unbounded_waits(given: dict[str, Any]) -> Iterator[CheckMessage]:
    """Warn of a PostgreSQL that pages would wait for without end, where it or the way there has died."""
    settings = connections[database_of("Session")].settings_dict
    if not keeps_sessions_in_sql(given) or not settings["ENGINE"].endswith("postgresql"):
        return
    is_local = not settings["HOST"] or str(settings["HOST"]).startswith("/")
    wanted = [name for name in BOUNDS if not is_local or name == "connect_timeout"]
    missing = [name for name in wanted if name not in settings["OPTIONS"]]
    if missing:
        yield Warning(
            f"Nothing bounds a page's wait for the PostgreSQL of sessions where it has died: {', '.join(missing)}.",
            hint='Give them in DATABASES, as OPTIONS = {"connect_timeout": 5, "tcp_user_timeout": 5000, '
            '"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}. A server process that is stopped '
            "while its machine lives is bounded by a pooler alone (query_timeout of PgBouncer).",
            id="sessions_farm.W032",
        )


def database_of(model: str) -> str:
    """Return the alias of the database that a model of the engine is written to."""
    return router.db_for_write(apps.get_model("sessions_farm", model))
