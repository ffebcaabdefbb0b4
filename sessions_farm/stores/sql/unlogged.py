"""PostgreSQL's UNLOGGED tables: sessions are written without the write-ahead log that restores them after a crash.

This saves about half of the writing. After a crash of PostgreSQL these tables are empty, and a standby never has them:
every visitor is signed out then, and the dictionaries of scopes are gone. Ended sessions stay ended and delivered
events stay delivered: their tables are always logged (a table whose numbers began again would have new events taken
for duplicates of old ones).
"""

from __future__ import annotations

from django.db import NotSupportedError, connections, router, transaction

from sessions_farm.models import Lease, Session, SharedChange, Variable

# A logged table cannot refer to an unlogged one, so they are logged in this order and unlogged in the reverse.
TABLES = [model._meta.db_table for model in (Session, Variable, SharedChange, Lease)]
LOCK_TIMEOUT = "5s"  # to wait for a table that requests use; all later requests queue behind this wait


def set_logged(*, logged: bool) -> list[str]:
    """Rewrite the tables, each under a lock; return their names. Raise NotSupportedError on other databases."""
    alias = router.db_for_write(Session)
    connection = connections[alias]
    if connection.vendor != "postgresql":
        raise NotSupportedError(f"{connection.display_name} has no unlogged tables; PostgreSQL has.")
    setting, tables = ("LOGGED", TABLES) if logged else ("UNLOGGED", TABLES[::-1])
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        for table in tables:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} SET {setting}")
    return tables
