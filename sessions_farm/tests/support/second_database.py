"""A second PostgreSQL database for the tables of sessions, and connections of another isolation level."""

from __future__ import annotations

from contextlib import contextmanager

from django.apps import apps
from django.db import connection, connections

ALIAS = "sessions"
HERE = {"sessions_farm", "sessions_farm_control"}


class Router:
    """Puts the tables of sessions, Django's too, into the second database."""

    def db_for_read(self, model, **_hints):
        return ALIAS if model._meta.app_label in HERE else None

    db_for_write = db_for_read


class RouterOfSessionsAlone(Router):
    """Leaves the record of delivered events in the default database."""

    def db_for_read(self, model, **hints):
        return None if model.__name__ == "DeliveredEvent" else super().db_for_read(model, **hints)

    db_for_write = db_for_read


class RouterOfVariables(Router):
    """Scatters the tables of sessions, which no store can use."""

    def db_for_read(self, model, **hints):
        return ALIAS if model.__name__ == "Variable" else None

    db_for_write = db_for_read


@contextmanager
def made(models):
    """Make a database with the tables of sessions and of some more models, known to Django while the block runs."""
    name = f"{connection.settings_dict['NAME']}_sessions"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        default = connections.settings["default"]
        connections.settings[ALIAS] = default | {"NAME": name, "OPTIONS": dict(default["OPTIONS"])}
        with connections[ALIAS].schema_editor() as editor:
            for model in [*apps.get_app_config("sessions_farm").get_models(), *models]:
                editor.create_model(model)
        yield
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
        del connections.settings[ALIAS]
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def isolation(level, aliases):
    """Open new connections whose transactions, and whose single statements too, are of an isolation level."""
    from psycopg import IsolationLevel  # noqa: PLC0415 -- psycopg is an extra

    given = {
        "isolation_level": IsolationLevel[level.replace(" ", "_")],
        "options": f"-c default_transaction_isolation={level.lower().replace(' ', '\\ ')}",
    }
    before = {alias: connections[alias].settings_dict["OPTIONS"] for alias in aliases}
    for alias, options in before.items():
        connections[alias].settings_dict["OPTIONS"] = options | given
        connections[alias].close()
    try:
        yield
    finally:
        for alias, options in before.items():
            connections[alias].settings_dict["OPTIONS"] = options
            connections[alias].close()
