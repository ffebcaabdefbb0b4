"""A dispatch's body for people: the packing slip's data and the CSV for spreadsheets."""

import csv
import io
import json
import unicodedata
from typing import Any

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
BOM = "\ufeff"
"""Without it Excel reads UTF-8 as the machine's old code page."""
COLUMNS = (
    *("order", "consignment", "key", "revision", "delivery"),
    *("name", "line1", "line2", "postcode", "town", "country", "email", "phone"),
    *("sku", "item", "quantity", "unit_price", "total", "currency"),
)


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
