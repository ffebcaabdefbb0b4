"""Databases behind a transaction pooler (PgBouncer), where each transaction may meet another connection of the server.

Django's own setting says so: ``DISABLE_SERVER_SIDE_CURSORS``. What belongs to one connection of the server is not used
there: no prepared statement, no LISTEN. Locks belong to transactions or are leases anyway.
"""

from __future__ import annotations

from django.db import connections


def is_behind_pooler(alias: str) -> bool:
    """Return whether the project says that the database is reached through a transaction pooler."""
    return bool(connections[alias].settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"))
