"""Tables of other apps whose rows follow a session's key: a rotation copies them to the new key in its own transaction.

An app registers its table in ``AppConfig.ready``; with none registered a rotation does no more than the engine needs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import DEFAULT_DB_ALIAS, connections

from sessions_farm.stores.effects import round_trips


@dataclass(frozen=True, slots=True)
class FollowingTable:
    """A table with one row a key: ``key_column``, which is unique, holds the digest, and ``columns`` are copied."""

    table: str
    key_column: str
    columns: tuple[str, ...]
    alias: str = DEFAULT_DB_ALIAS  # of the database that holds it; a rotation reaches those of its own database

    def copy(self, new: str, old: str, condition: str = "") -> str:
        """Return the statement that copies the row of the key ``old`` to ``new``; both are SQL expressions."""
        columns = ", ".join(self.columns)
        return f"""
INSERT INTO {self.table} ({self.key_column}, {columns})
SELECT {new}, {columns} FROM {self.table} WHERE {self.key_column} = {old} {condition}
ON CONFLICT ({self.key_column}) DO NOTHING"""  # noqa: S608 -- names that an app's code declares


_registered: list[FollowingTable] = []


def register_follower(table: FollowingTable) -> None:
    """Let the rows of a table follow each rotation. Registering it twice is the same as once."""
    if table not in _registered:
        _registered.append(table)


def unregister_follower(table: FollowingTable) -> None:
    """Let the rows of a table stay under their keys."""
    _registered.remove(table)


def followers() -> tuple[FollowingTable, ...]:
    """Return the registered tables."""
    return tuple(_registered)


def carry(old_keys: Iterable[str], new_key: str) -> None:
    """Copy the rows of a key to another one, for stores that do not rotate in SQL: a statement a table and old key."""
    for table in followers():
        with connections[table.alias].cursor() as cursor:
            for old_key in old_keys:
                round_trips.count()
                cursor.execute(table.copy("%s", "%s"), [new_key, old_key])
