"""A million sessions within a minute, each as the store itself makes it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import cast

import redis
from django.db import connection, models

from sessions_farm.conf import options
from sessions_farm.models import Session
from sessions_farm.stores.base import Lifetime
from sessions_farm.stores.effects.effects import run_sync
from sessions_farm.stores.protocol import Store
from sessions_farm.stores.redis.client import ScriptCall

# 43 characters like a keyed hash, scattered like one.
COPY_KEY = "substr(md5(t.id || '-' || n) || md5(n || '-' || t.id), 1, 43)"

MANY = 5_000  # copies of one, from which the planner has to know of them

type Kinds = Sequence[Mapping[str, str]]  # the variables of one kind of session, as text


def gather(store: Store, kinds: Kinds, each: int, lifetime: Lifetime, now: int) -> None:
    """Make ``each`` sessions of every kind."""
    keys = [secrets.token_urlsafe(32) for _ in kinds]
    for key, variables in zip(keys, kinds, strict=True):
        run_sync(store.create(key, variables, lifetime, now))
    if isinstance(next(store.create(keys[0], kinds[0], lifetime, now)), ScriptCall):
        pipeline_scripts(store, (kind for kind in kinds for _ in range(each - 1)), lifetime, now)
    else:
        copy_rows(keys, each - 1)


def pipeline_scripts(store: Store, sessions: Iterator[Mapping[str, str]], lifetime: Lifetime, now: int) -> None:
    """Send the store's own commands without waiting for each response."""
    with redis.Redis.from_url(options().redis_url) as client:
        for batch in batched(sessions, 1000, strict=False):
            pipeline = client.pipeline(transaction=False)
            for variables in batch:
                trip = cast("ScriptCall", next(store.create(secrets.token_urlsafe(32), variables, lifetime, now)))
                pipeline.execute_command("EVALSHA", *trip.arguments)
            pipeline.execute()


def copy_rows(keys: Sequence[str], copies: int) -> None:
    """Copy each session under ``keys`` that many times, with every row that belongs to it."""
    session = Session._meta.db_table
    ids = list(Session.objects.filter(key_hash__in=keys).values_list("id", flat=True))
    columns = columns_of(Session, "key_hash")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {session} (key_hash, {columns}) SELECT {COPY_KEY}, {columns} "  # noqa: S608 -- our tables
            f"FROM {session} t, generate_series(1, %s) n WHERE t.id = ANY(%s)",
            [copies, ids],
        )
        for relation in Session._meta.related_objects:
            model, link = relation.related_model, relation.field.column or ""
            columns = columns_of(model, link, table="r.")
            names = columns.replace("r.", "")
            cursor.execute(
                f"INSERT INTO {model._meta.db_table} ({link}, {names}) SELECT c.id, {columns} "  # noqa: S608 -- as above
                f"FROM {session} t CROSS JOIN generate_series(1, %s) n JOIN {session} c ON c.key_hash = {COPY_KEY} "
                f"JOIN {model._meta.db_table} r ON r.{link} = t.id WHERE t.id = ANY(%s)",
                [copies, ids],
            )
        if copies >= MANY:
            cursor.execute("VACUUM (ANALYZE)")  # the private servers have no autovacuum


def columns_of(model: type[models.Model], without: str, table: str = "") -> str:
    """Every column but the serial key and one."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    return ", ".join(f"{table}{field.column}" for field in fields if field.column != without)
