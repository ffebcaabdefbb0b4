"""Rows written a batch at a time: one statement, whatever their number, its rows in one parameter of JSON.

An array a column costs four times as much: each of its values is quoted by itself, in Python.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from django.db import connection

type Columns = Mapping[str, str]
"""The names of columns, with their types in PostgreSQL."""


def update(table: str, columns: Columns, rows: Sequence[object]) -> None:
    """Write the columns of rows that have changed, by id."""
    assignments = ", ".join(f"{name} = new.{name}" for name in columns)
    _execute(
        f"UPDATE {table} AS old SET {assignments} FROM {{new}} WHERE old.id = new.id",  # noqa: S608 -- names of ours
        {"id": "bigint", **columns},
        rows,
    )


def insert(table: str, columns: Columns, rows: Sequence[object]) -> None:
    """Write new rows; existing rows stay."""
    names = ", ".join(columns)
    _execute(
        f"INSERT INTO {table} ({names}) SELECT {names} FROM {{new}} ON CONFLICT DO NOTHING",  # noqa: S608 -- names of ours
        columns,
        rows,
    )


def _execute(statement: str, columns: Columns, rows: Sequence[object]) -> None:
    """Execute a statement with the rows in the place of its ``{new}``."""
    if not rows:
        return
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    document = json.dumps([{name: getattr(row, name) for name in columns} for row in rows], default=str)
    with connection.cursor() as cursor:
        cursor.execute(statement.format(new=f"json_to_recordset(%s) AS new ({typed})"), [document])
