"""A shipping department's own books: every order that the mall signed is worked once, however often it arrives.

They are a file of SQLite, or a database of PostgreSQL (``postgresql://user@host/name``; it needs the library psycopg).

The key of a revision is written into the table ``inbox`` in the same transaction as the work it causes, so a crash
leaves either both or neither. The newest revision of a consignment wins, in whatever order revisions arrive: a changed
one takes the open job back and opens another, a cancelled one takes it back for good. What was sent stays sent, and the
receipt says so. Needs only Python; used by http_receiver.py, mall_merge.py, mall_pull.py and the agent's scripts.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from signed_document import ORDER, RECEIPT, ForgedDocumentError, Key, KeyFile, load_object, printable, seal, verify

KEY = re.compile(r"(csg_[0-9a-f]{32})_r([1-9][0-9]{0,4})")
SCHEMA = """
CREATE TABLE IF NOT EXISTS inbox (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, received_at TEXT NOT NULL, times INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS consignments (
    root TEXT PRIMARY KEY, vendor TEXT NOT NULL, revision INTEGER NOT NULL, number TEXT NOT NULL,
    order_number TEXT NOT NULL, state TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, revision INTEGER NOT NULL, what TEXT NOT NULL, begun_at TEXT NOT NULL,
    state TEXT NOT NULL
);
"""
NEWEST = """
SELECT i.received_at, i.key, c.body FROM inbox i JOIN consignments c ON i.key = c.root || '_r' || c.revision
"""
STATES = {"ship": "to pack", "amend": "to pack", "cancel": "cancelled"}


class InvalidOrderError(ValueError):
    """The message is no consignment of the mall."""


class OrderConflictError(ValueError):
    """The same key came with another content."""


@dataclass(frozen=True)
class TakenOrder:
    """An order that was taken; ``outcome`` is "applied", "duplicate", "older" or "already sent"."""

    key: str
    outcome: str
    receipt: str


class Inbox:
    """The books in a file of SQLite."""

    def __init__(self, database: Path, keys: KeyFile) -> None:
        self.database = database
        self.keys = keys
        self._make()

    def _make(self) -> None:
        self.database.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as books:
            books.executescript(SCHEMA)

    def has(self, key: str) -> bool:
        """Whether an order is in the books."""
        with closing(self._connect()) as books:
            return books.execute("SELECT 1 FROM inbox WHERE key = ?", (key,)).fetchone() is not None

    def take(self, content: bytes, expected: str = "") -> TakenOrder:
        """Check a signed document, and work the order in it; a test of the mall's staff is answered and causes none.

        ``expected`` is the key that a file's name promises: an order under another's name would acknowledge that one.
        """
        body, key = verify(content, ORDER, self.keys.keys())
        name, order = read(body, key)
        if expected and name != expected:
            raise OrderConflictError(f"It holds {name}, and its name says {printable(expected)}.")
        outcome = "applied" if order["action"] == "test" else self._apply(name, order, body, key.vendor)
        receipt = json.dumps({"v": 1, "ack": name, "outcome": outcome, "vendor": key.vendor}).encode()
        return TakenOrder(name, outcome, seal(receipt, RECEIPT, key))

    def mark_sent(self, number: str) -> bool:
        """Close the open job of a consignment, by its number; False where there is none."""
        with self._writing() as books:
            found = books.execute("SELECT root FROM consignments WHERE number = ? AND state = 'to pack'", (number,))
            roots = found.fetchall()
            books.executemany("UPDATE consignments SET state = 'sent' WHERE root = ?", roots)
            books.executemany("UPDATE jobs SET state = 'done' WHERE root = ? AND state = 'open'", roots)
        return bool(roots)

    def _apply(self, key: str, order: dict, body: bytes, vendor: str) -> str:
        digest = hashlib.sha256(body).hexdigest()
        with self._writing() as books:
            times, first = books.execute(
                "INSERT INTO inbox VALUES (?, ?, ?, 1) ON CONFLICT (key) DO UPDATE SET times = inbox.times + 1"
                " RETURNING times, sha256",
                (key, digest, _now()),
            ).fetchone()
            if first != digest:
                raise OrderConflictError(f"{key} came before with another content; ask the mall which is right.")
            return "duplicate" if times > 1 else self._work(books, key, order, body, vendor)

    @staticmethod
    def _work(books: "sqlite3.Connection", key: str, order: dict, body: bytes, vendor: str) -> str:
        root, revision = KEY.fullmatch(key).groups()
        known = books.execute("SELECT revision, state, vendor FROM consignments WHERE root = ?", (root,)).fetchone()
        if known and known[2] != vendor:
            raise OrderConflictError(f"{key} is of a consignment that another shop's key signed.")
        if known and known[0] > int(revision):
            return "older"
        was_sent = known is not None and known[1] == "sent"
        state = "sent" if was_sent else STATES[order["action"]]
        books.execute(
            "INSERT INTO consignments VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (root) DO UPDATE SET"
            " vendor = excluded.vendor, revision = excluded.revision, number = excluded.number,"
            " order_number = excluded.order_number, state = excluded.state, body = excluded.body",
            (root, vendor, int(revision), order["consignment"], order["order"], state, body),
        )
        if was_sent:
            return "already sent"
        books.execute("UPDATE jobs SET state = 'taken back' WHERE root = ? AND state = 'open'", (root,))
        if state == "to pack":
            job = (root, int(revision), "pack", _now(), "open")
            books.execute("INSERT INTO jobs (root, revision, what, begun_at, state) VALUES (?, ?, ?, ?, ?)", job)
        return "applied"

    def body(self, key: str) -> bytes:
        """The newest content of a consignment, where this key is its; empty where a newer one replaced it."""
        with closing(self._connect()) as books:
            row = books.execute(f"{NEWEST} WHERE i.key = ?", (key,)).fetchone()
        return bytes(row[2]) if row else b""

    def lines(self) -> list[str]:
        """One readable line for each consignment, oldest first."""
        with closing(self._connect()) as books:
            return [
                line_of(at, key, json.loads(body))
                for at, key, body in books.execute(f"{NEWEST} ORDER BY i.received_at, i.key")
            ]

    def states(self) -> list[tuple[str, str, str]]:
        """The number, the state and a readable line of each consignment, oldest first."""
        query = NEWEST.replace("c.body", "c.body, c.number, c.state")
        with closing(self._connect()) as books:
            found = books.execute(f"{query} ORDER BY i.received_at, i.key").fetchall()
        return [(number, state, line_of(at, key, json.loads(body))) for at, key, body, number, state in found]

    def line(self, key: str) -> str:
        with closing(self._connect()) as books:
            row = books.execute(f"{NEWEST} WHERE i.key = ?", (key,)).fetchone()
        return line_of(row[0], row[1], json.loads(row[2])) if row else f"{key}: replaced meanwhile"

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as books:
            books.execute("BEGIN IMMEDIATE")
            yield books
            books.execute("COMMIT")

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.database, timeout=10, isolation_level=None)


class PostgresInbox(Inbox):
    """The books in a database of PostgreSQL, with the same statements."""

    SCHEMA = (
        SCHEMA.replace("body BLOB", "body BYTEA").replace("id INTEGER PRIMARY KEY", "id BIGSERIAL PRIMARY KEY"),
        "SELECT pg_advisory_xact_lock(1296125036)",
    )

    def _make(self) -> None:
        with self._writing() as books:
            books.execute(self.SCHEMA[0])

    @contextmanager
    def _writing(self) -> Iterator["Statements"]:
        """One writer at a time, as in a file: two revisions of a consignment may come at once."""
        with closing(self._connect()) as books:
            books.execute("BEGIN")
            books.execute(self.SCHEMA[1])
            yield books
            books.execute("COMMIT")

    def _connect(self) -> "Statements":
        import psycopg  # noqa: PLC0415 -- SQLite needs none

        with passing(psycopg.OperationalError):
            connection = psycopg.connect(self.database, autocommit=True, connect_timeout=10)
        return Statements(connection, psycopg.OperationalError)


@contextmanager
def passing(failure: type[Exception]) -> Iterator[None]:
    """Raise a database that is away as the error that programs pass over and try again."""
    try:
        yield
    except failure as error:
        raise OSError(f"The database is away: {error}") from error


class Statements:
    """A connection of psycopg that takes the statements of sqlite3."""

    def __init__(self, connection: Any, failure: type[Exception]) -> None:
        self.connection, self.failure = connection, failure

    def execute(self, statement: str, values: tuple = ()) -> Any:
        with passing(self.failure):
            return self.connection.execute(statement.replace("?", "%s"), values or None)

    def executemany(self, statement: str, rows: list[tuple]) -> None:
        for row in rows:
            self.execute(statement, tuple(row))

    def close(self) -> None:
        self.connection.close()


def inbox_of(database: str, keys: KeyFile) -> Inbox:
    """The books at a path, or at an address of PostgreSQL."""
    if database.startswith(("postgresql://", "postgres://")):
        return PostgresInbox(database, keys)
    return Inbox(Path(database), keys)


def read(body: bytes, key: Key) -> tuple[str, dict]:
    """The key and the data of a verified body, version 1, of the shop whose key signed it."""
    try:
        order = load_object(body)
        name = order["key"]
        known = order["v"] == 1 and KEY.fullmatch(name) and (order["action"] == "test" or is_consignment(order))
    except (ForgedDocumentError, KeyError, TypeError) as error:
        raise InvalidOrderError(f"Not a consignment: {error!r}") from error
    if not known:
        raise InvalidOrderError("Not a consignment of version 1.")
    if order["vendor"] != key.vendor:
        raise ForgedDocumentError(f"It is of {printable(order['vendor'])}, and the key of {key.vendor} signed it.")
    return name, order


def is_consignment(order: dict) -> bool:
    texts = all(isinstance(order[part], str) for part in ("order", "consignment"))
    goods = bool(order["lines"]) or order["action"] == "cancel"
    return order["action"] in STATES and order["key"].endswith(f"_r{order['revision']}") and texts and goods


def line_of(at: str, key: str, order: dict) -> str:
    goods = ", ".join(f"{line['quantity']} × {line['sku']}" for line in order["lines"]) or "nothing"
    what = {"ship": "", "amend": "CHANGED: ", "cancel": "CANCELLED: "}[order["action"]]
    line = f"{what}{order['consignment']} of order {order['order']}: {goods} to {order['address']['town']!r} [{key}]"
    return f"{at} {printable(line)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
