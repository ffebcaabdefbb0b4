"""What people read of a body: the packing slip's data and the CSV for spreadsheets."""

import csv
import io
import json
from typing import Any

RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
COLUMNS = (
    *("order", "consignment", "key", "revision", "delivery"),
    *("name", "line1", "line2", "postcode", "town", "country", "email", "phone"),
    *("sku", "item", "quantity", "unit_price", "total", "currency"),
)


def document(body: bytes) -> dict[str, Any]:
    """The body as data."""
    found: dict[str, Any] = json.loads(body)
    return found


def as_csv(body: bytes) -> bytes:
    """One row for each line of the order (RFC 4180, UTF-8), with cells that a spreadsheet would run made text."""
    order = document(body)
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(COLUMNS)
    head = [order["order"], order["consignment"], order["key"], order["revision"], order["delivery"]["method"]]
    whom = [order["address"][part] for part in COLUMNS[5:11]] + [order["contact"]["email"], order["contact"]["phone"]]
    for line in order["lines"]:
        what = [line["sku"], line["name"], line["quantity"], line["unit_price"], line["total"], order["currency"]]
        writer.writerow([guarded(cell) for cell in (*head, *whom, *what)])
    return sheet.getvalue().encode()


def guarded(cell: object) -> str:
    """An apostrophe before what Excel or LibreOffice would take for a formula (OWASP, CSV Injection)."""
    text = str(cell)
    return f"'{text}" if text.startswith(RISKY) else text
