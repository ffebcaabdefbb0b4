"""A dispatch's body for people and desktop programs: the slip's data, CSV for spreadsheets, a database of SQLite."""

import csv
import io
import json
import sqlite3
import unicodedata
from contextlib import closing
from typing import Any

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as the machine's old code page."""
COLUMNS = (
    *("order", "consignment", "key", "revision", "delivery"),
    *("name", "line1", "line2", "postcode", "town", "country", "email", "phone"),
    *("sku", "item", "quantity", "unit_price", "total", "currency"),
)
TABLES = """
CREATE TABLE documents (key TEXT PRIMARY KEY, envelope BLOB NOT NULL);
CREATE TABLE orders (
    key TEXT PRIMARY KEY, revision INTEGER, action TEXT, "order" TEXT, consignment TEXT, delivery TEXT,
    name TEXT, line1 TEXT, line2 TEXT, postcode TEXT, town TEXT, country TEXT, email TEXT, phone TEXT, total TEXT
);
CREATE TABLE lines (
    key TEXT, sku TEXT, item TEXT, quantity INTEGER, unit_price TEXT, total TEXT, currency TEXT
);
"""


def parse_body(body: bytes) -> dict[str, Any]:
    """Return the body as data."""
    found: dict[str, Any] = json.loads(body)
    return found


def as_csv(body: bytes) -> bytes:
    """Return one CSV row for each line of the order (RFC 4180, UTF-8), with formulas made text."""
    order = parse_body(body)
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    head = [order["order"], order["consignment"], order["key"], order["revision"], order["delivery"]["method"]]
    address = [order["address"][part] for part in COLUMNS[5:11]] + [
        order["contact"]["email"],
        order["contact"]["phone"],
    ]
    for line in order["lines"]:
        item = [line["sku"], line["name"], line["quantity"], line["unit_price"], line["total"], order["currency"]]
        writer.writerow([escape_formula(cell) for cell in (*head, *address, *item)])
    return (BOM + sheet.getvalue()).encode()


def as_sqlite(body: bytes, document: bytes) -> bytes:
    """Return a database of one order: tables for desktop programs, and the signed document in ``documents``."""
    order = parse_body(body)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as book:
        book.executescript(TABLES)
        book.execute("INSERT INTO documents VALUES (?, ?)", (order["key"], document))
        head = [order["key"], order["revision"], order["action"], order["order"], order["consignment"]]
        address = [order["address"][part] for part in COLUMNS[5:11]] + [
            order["contact"][part] for part in ("email", "phone")
        ]
        head += [order["delivery"]["method"], *address, order["total"]]
        book.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", head)
        parts = ("sku", "name", "quantity", "unit_price", "total")
        rows = [(order["key"], *(line[part] for part in parts), order["currency"]) for line in order["lines"]]
        book.executemany("INSERT INTO lines VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        return bytes(book.serialize())


def escape_formula(cell: object) -> str:
    """Put an apostrophe before a cell that Excel or LibreOffice would run as a formula (OWASP, CSV Injection).

    Full-width signs count as their plain ones, and blanks and invisible characters before a sign do not hide it.
    """
    text = str(cell)
    return f"'{text}" if text.startswith(RISKY) or _visible(text).startswith(RISKY) else text


def _visible(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    for position, letter in enumerate(plain):
        if not letter.isspace() and unicodedata.category(letter) not in {"Cc", "Cf", "Mn"}:
            return plain[position:]
    return ""
