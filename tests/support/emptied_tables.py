"""The database after a test that commits: the tables that hold rows are emptied, and no others.

A pytest plugin. Django truncates every table and makes content types and permissions anew: half a second, of which
little is work and most is new files, for tests that leave a dozen rows in a handful of tables. Rows that were deleted
or rolled back keep their place, which nothing vacuums; tables that have grown by them are truncated after all.
"""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

KEPT = {"django_content_type", "auth_permission"}  # the same for every test
GROWN = 512 * 1024  # bytes of a table: each statement of each later test reads them
djangos_teardown = TransactionTestCase._fixture_teardown


def pytest_configure() -> None:
    TransactionTestCase._fixture_teardown = fixture_teardown


def fixture_teardown(case: TransactionTestCase) -> None:
    """Empty the databases of a test; by Django's way where the tests' role may not leave triggers out."""
    databases = [connections[alias] for alias in case._databases_names(include_mirrors=False)]
    if not all(can_skip_triggers(database) for database in databases):
        djangos_teardown(case)
        return
    for database in databases:
        empty(database)


def can_skip_triggers(database: BaseDatabaseWrapper) -> bool:
    if database.vendor != "postgresql":
        return False
    with database.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        return cursor.fetchone()[0]


def empty(database: BaseDatabaseWrapper) -> None:
    """Delete all rows. Foreign keys and the triggers that keep the ledger are left out: nothing remains to hold."""
    models = set(database.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    tables = [database.ops.quote_name(name) for name in models]
    if not tables:  # a test that names no available apps has none of them to empty
        return
    with database.cursor() as cursor:
        sizes = " UNION ALL ".join(
            f"SELECT '{table}', EXISTS (SELECT FROM {table}), pg_relation_size('{table}') > {GROWN}" for table in tables
        )
        cursor.execute(sizes)
        found = cursor.fetchall()
        statements = [f"TRUNCATE {table} CASCADE;" for table, _, has_grown in found if has_grown]
        statements += [f"DELETE FROM {table};" for table, has_rows, has_grown in found if has_rows and not has_grown]
        if statements:
            cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {' '.join(statements)} COMMIT")
