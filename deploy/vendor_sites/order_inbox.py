"""A shipping department's own books: every consignment from the mall is worked once, however often it arrives.

The key of a consignment is written into the table ``inbox`` in the same transaction as the work it causes, so a crash
leaves either both or neither. The newest revision of a consignment wins, in whatever order revisions arrive.
Needs only Python; used by http_receiver.py and mall_merge.py.
"""

import hashlib
import json
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

KEY = re.compile(r"(csg_[0-9a-f]{32})_r([1-9][0-9]{0,4})")
SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, received_at TEXT NOT NULL, times INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS consignments (
    root TEXT PRIMARY KEY, revision INTEGER NOT NULL, number TEXT NOT NULL, order_number TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, revision INTEGER NOT NULL, what TEXT NOT NULL, begun_at TEXT NOT NULL
);
"""
NEWEST = """
SELECT i.received_at, i.key, c.body FROM inbox i JOIN consignments c ON i.key = c.root || '_r' || c.revision
"""


class InvalidOrderError(ValueError):
    """The message is no consignment of the mall."""


class OrderConflictError(ValueError):
    """The same key came with another content."""


class Inbox:
    def __init__(self, database: Path) -> None:
        self.database = database
        database.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as books:
            books.execute("PRAGMA journal_mode = WAL")
            books.executescript(SCHEMA)

    def apply(self, body: bytes) -> str:
        """Work one consignment: "applied", "duplicate", or "older" than the known state."""
        key, order = read(body)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with closing(self._connect()) as books:
            books.execute("BEGIN IMMEDIATE")
            times, digest = books.execute(
                "INSERT INTO inbox VALUES (?, ?, ?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1"
                " RETURNING times, sha256",
                (key, hashlib.sha256(body).hexdigest(), now),
            ).fetchone()
            if digest != hashlib.sha256(body).hexdigest():
                raise OrderConflictError(f"{key} came before with another content; ask the mall which is right.")
            outcome = "duplicate" if times > 1 else self._work(books, key, order, body, now)
            books.execute("COMMIT")
        return outcome

    @staticmethod
    def _work(books: sqlite3.Connection, key: str, order: dict, body: bytes, now: str) -> str:
        root, revision = KEY.fullmatch(key).groups()
        newest = books.execute(
            "INSERT INTO consignments VALUES (?, ?, ?, ?, ?) ON CONFLICT (root) DO UPDATE"
            " SET revision = excluded.revision, body = excluded.body WHERE excluded.revision > revision RETURNING root",
            (root, int(revision), order["consignment"], order["order"], body),
        ).fetchone()
        if newest is None:
            return "older"
        books.execute(
            "INSERT INTO jobs (root, revision, what, begun_at) VALUES (?, ?, ?, ?)", (root, int(revision), "pack", now)
        )
        return "applied"

    def lines(self) -> list[str]:
        """One readable line for each consignment, oldest first."""
        with closing(self._connect()) as books:
            return [line_of(at, key, json.loads(body)) for at, key, body in books.execute(f"{NEWEST} ORDER BY i.rowid")]

    def line(self, key: str) -> str:
        with closing(self._connect()) as books:
            at, key, body = books.execute(f"{NEWEST} WHERE i.key = ?", (key,)).fetchone()
        return line_of(at, key, json.loads(body))

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database, timeout=10, isolation_level=None)


def read(body: bytes) -> tuple[str, dict]:
    """The key and the data of a body, version 1."""
    try:
        order = json.loads(body)
        key, texts, lines = order["key"], (order["order"], order["consignment"]), order["lines"]
        known = (
            order["v"] == 1
            and order["action"] == "ship"
            and KEY.fullmatch(key)
            and all(isinstance(text, str) for text in texts)
            and lines
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidOrderError(f"Not a consignment: {error!r}") from error
    if not known:
        raise InvalidOrderError("Not a consignment of version 1.")
    return key, order


def line_of(at: str, key: str, order: dict) -> str:
    goods = ", ".join(f"{line['quantity']} × {line['sku']}" for line in order["lines"])
    return f"{at} {order['consignment']} of order {order['order']}: {goods} to {order['address']['town']!r} [{key}]"
