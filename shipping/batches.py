"""Rows written a batch at a time: one statement, whatever their number, its parameters an array a column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

type Columns = Mapping[str, str]
"""The names of columns, with their types in PostgreSQL."""


def update(table: str, columns: Columns, rows: Sequence[object]) -> None:
    """Write the columns of rows that have changed, by id."""
    if rows:
        assignments = ", ".join(f"{name} = new.{name}" for name in columns)
        _execute(
            f"UPDATE {table} AS old SET {assignments} FROM {_arrays('new', columns)} WHERE old.id = new.id",  # noqa: S608 -- names of ours
            {"id": "bigint", **columns},
            rows,
        )


def insert(table: str, columns: Columns, rows: Sequence[object]) -> None:
    """Write new rows; existing rows stay."""
    if rows:
        names = ", ".join(columns)
        _execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM {_arrays('new', columns, own_id=False)}"  # noqa: S608 -- names of ours
            " ON CONFLICT DO NOTHING",
            columns,
            rows,
        )


def _arrays(alias: str, columns: Columns, *, own_id: bool = True) -> str:
    every = {"id": "bigint", **columns} if own_id else columns
    return f"unnest({', '.join(f'%s::{kind}[]' for kind in every.values())}) AS {alias} ({', '.join(every)})"


def _execute(statement: str, columns: Iterable[str], rows: Sequence[object]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [[getattr(row, name) for row in rows] for name in columns])
