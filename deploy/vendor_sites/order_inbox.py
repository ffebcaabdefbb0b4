"""A shipping department's own books: every order that the mall signed is worked once, however often it arrives.

The key of a revision is written into the table ``inbox`` in the same transaction as the work it causes, so a crash
leaves either both or neither. The newest revision of a consignment wins, in whatever order revisions arrive: a changed
one takes the open job back and opens another, a cancelled one takes it back for good. What was sent stays sent, and the
receipt says so. Needs only Python; used by http_receiver.py and mall_merge.py.
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
    def __init__(self, database: Path, keys: KeyFile) -> None:
        self.database = database
        self.keys = keys
        database.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as books:
            books.execute("PRAGMA journal_mode = WAL")
            books.executescript(SCHEMA)

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
                "INSERT INTO inbox VALUES (?, ?, ?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1"
                " RETURNING times, sha256",
                (key, digest, _now()),
            ).fetchone()
            if first != digest:
                raise OrderConflictError(f"{key} came before with another content; ask the mall which is right.")
            return "duplicate" if times > 1 else self._work(books, key, order, body, vendor)

    @staticmethod
    def _work(books: sqlite3.Connection, key: str, order: dict, body: bytes, vendor: str) -> str:
        root, revision = KEY.fullmatch(key).groups()
        known = books.execute("SELECT revision, state, vendor FROM consignments WHERE root = ?", (root,)).fetchone()
        if known and known[2] != vendor:
            raise OrderConflictError(f"{key} is of a consignment that another shop's key signed.")
        if known and known[0] > int(revision):
            return "older"
        was_sent = known is not None and known[1] == "sent"
        state = "sent" if was_sent else STATES[order["action"]]
        books.execute(
            "INSERT OR REPLACE INTO consignments VALUES (?, ?, ?, ?, ?, ?, ?)",
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
        return row[2] if row else b""

    def lines(self) -> list[str]:
        """One readable line for each consignment, oldest first."""
        with closing(self._connect()) as books:
            return [line_of(at, key, json.loads(body)) for at, key, body in books.execute(f"{NEWEST} ORDER BY i.rowid")]

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
