"""PostgreSQL's UNLOGGED: sessions are written without the log that brings them back after a crash.

It saves about half of the writing. After a crash of PostgreSQL these tables are empty, and a standby never has them:
everybody is signed out then, and what is kept of visitors and applications is gone. What has ended stays ended all
the same, and what was told stays told: those tables are always logged (a table whose numbers began anew would have
new events taken for old ones).
"""

from __future__ import annotations

from django.db import NotSupportedError, connections, router, transaction

from sessions_farm.models import Lease, Session, SharedChange, Variable

# A logged table cannot point to an unlogged one, so this is the order to log; the other way round for the other way.
TABLES = [model._meta.db_table for model in (Session, Variable, SharedChange, Lease)]
PATIENCE = "5s"  # for the pages that use a table; longer, and all others would queue behind us


def set_logged(*, logged: bool) -> list[str]:
    """Rewrite the tables, each locked meanwhile; return their names. Raise NotSupportedError beside PostgreSQL."""
    alias = router.db_for_write(Session)
    connection = connections[alias]
    if connection.vendor != "postgresql":
        raise NotSupportedError(f"{connection.display_name} has no unlogged tables; PostgreSQL has.")
    setting, tables = ("LOGGED", TABLES) if logged else ("UNLOGGED", TABLES[::-1])
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
        for table in tables:
            cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} SET {setting}")
    return tables
