"""The measured subjects: raw Redis, raw SQL, Django's engines, ours on each store; all do the same four things."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from typing import Protocol

import psycopg
import redis
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection

# Ten variables, 1.2 KB as JSON text.
VARIABLES: dict[str, object] = {
    "hits": 1,
    "page": "/departments/hardware/oil-lamps/brass/",
    "cart": [{"sku": f"sku-{number:06}", "quantity": number} for number in range(6)],
    **{f"variable_{number}": secrets.token_urlsafe(90) for number in range(7)},
}
TEXTS = {name: str(value) for name, value in VARIABLES.items()}
BLOB = repr(TEXTS)


class Subject(Protocol):
    """Something that keeps one session of VARIABLES."""

    def load(self) -> object:
        """Find the session by its id and read one variable."""

    def change(self) -> object:
        """Load it, raise one variable, save."""

    def create(self) -> object:
        """Store another such session under a fresh id."""

    def rotate(self) -> object:
        """Load it, move it to a fresh id."""


class Engine:
    """A SESSION_ENGINE, used as Django's middleware and its ``login`` do."""

    def __init__(self, make: Callable[[str | None], SessionBase]) -> None:
        self.make = make
        self.counter = itertools.count(2)
        self.key = self.create()

    def load(self) -> object:
        return self.make(self.key)["page"]

    def change(self) -> None:
        session = self.make(self.key)
        session["hits"] += 1
        session.save()

    def create(self) -> str:
        session = self.make(None)
        session.update(VARIABLES)
        session.save()
        return str(session.session_key)

    def rotate(self) -> None:
        session = self.make(self.key)
        session["hits"] += 1
        session.cycle_key()
        session.save()
        self.key = str(session.session_key)


class RawRedis:
    """The least that any engine on a Redis hash sends."""

    def __init__(self, url: str, prefix: str) -> None:
        self.client = redis.Redis.from_url(url, decode_responses=True)
        self.prefix = prefix
        self.key = self.create()

    def load(self) -> object:
        return self.client.hgetall(self.key)

    def change(self) -> None:
        self.client.hgetall(self.key)
        self.client.hset(self.key, "hits", "2")

    def create(self) -> str:
        key = f"{self.prefix}:raw:{secrets.token_urlsafe(24)}"
        self.client.hset(key, items=[part for pair in TEXTS.items() for part in pair])
        return key

    def rotate(self) -> None:
        key = f"{self.prefix}:raw:{secrets.token_urlsafe(24)}"
        self.client.hgetall(self.key)
        self.client.rename(self.key, key)
        self.key = key


class RawSQL:
    """The least that any engine on SQL sends: one row with all in it, statements prepared by psycopg."""

    def __init__(self) -> None:
        self.connection = psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor})
        self.connection.autocommit = True
        self.connection.prepare_threshold = 5
        self.connection.execute("CREATE TABLE IF NOT EXISTS raw_session (key text PRIMARY KEY, content text NOT NULL)")
        self.key = self.create()

    def load(self) -> object:
        return self.connection.execute("SELECT content FROM raw_session WHERE key = %s", [self.key]).fetchone()

    def change(self) -> None:
        self.load()
        self.connection.execute("UPDATE raw_session SET content = %s WHERE key = %s", [BLOB, self.key])

    def create(self) -> str:
        key = secrets.token_urlsafe(24)
        self.connection.execute("INSERT INTO raw_session VALUES (%s, %s)", [key, BLOB])
        return key

    def rotate(self) -> None:
        key = secrets.token_urlsafe(24)
        self.load()
        self.connection.execute("UPDATE raw_session SET key = %s WHERE key = %s", [key, self.key])
        self.key = key
