"""``DATABASE_ROUTERS``: the databases that the tables of sessions and the record of delivered events are written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 -- Django's name
from django.db import DEFAULT_DB_ALIAS, router

from sessions_farm.checks.options import SCHEMA
from sessions_farm.checks.stores import keeps_sessions_in_sql


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


def database_of(model: str) -> str:
    """Return the alias of the database that a model of the engine is written to."""
    return router.db_for_write(apps.get_model("sessions_farm", model))
