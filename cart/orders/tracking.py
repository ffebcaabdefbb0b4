"""Lists of tracking numbers as people paste them: read, checked row by row, and shown before they are applied."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cart.orders import states
from cart.orders.models import Consignment

State = Consignment.State
LONGEST = 60  # letters of a tracking number or a carrier
MOST_ROWS = 10_000
FIELDS = 3


@dataclass(frozen=True, slots=True)
class TrackedRow:
    """Hold one row: what was pasted, the consignment that it names, and why it cannot be applied."""

    place: int
    number: str
    tracking_number: str = ""
    carrier: str = ""
    consignment: Consignment | None = None
    problem: str = ""


def read_rows(text: str) -> list[TrackedRow]:
    """Return the rows of a pasted list: number, tracking number and, if wanted, carrier.

    Semicolons, tabs or commas are between them; a first row without digits is a heading.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    rows = []
    for place, line in enumerate(lines, start=1):
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=_separator(line)), [])]
        if not any(cells) or (place == 1 and not any(letter.isdigit() for letter in line)):
            continue
        if len(cells) > FIELDS:
            rows.append(TrackedRow(place, cells[0], problem=f"It has {len(cells)} fields; number;tracking;carrier."))
            continue
        number, tracking_number, carrier = (*cells, "", "")[:FIELDS]
        rows.append(TrackedRow(place, number, tracking_number, carrier))
    return rows


def check_rows(rows: Iterable[TrackedRow], known: Mapping[str, Consignment]) -> list[TrackedRow]:
    """Return rows with their consignments, of those ``known`` by number, and their problems."""
    seen: dict[str, int] = {}
    checked = []
    for row in rows:
        consignment = known.get(row.number.upper())
        problem = row.problem or _problem(row, consignment, seen.get(row.number.upper()))
        seen.setdefault(row.number.upper(), row.place)
        checked.append(replace(row, consignment=consignment, problem=problem))
    return checked


def refusal(consignment: Consignment | None, number: str) -> str:
    """Return why a consignment cannot be sent, in words; empty where it can."""
    if consignment is None:
        return f"None of your parcels has the number {number!r}."
    if consignment.state == State.SENT and consignment.tracking_number:
        return f"{consignment.number} was sent already, as {consignment.tracking_number}."
    if not states.can_transition(consignment.state, State.SENT):
        return f"{consignment.number} is {consignment.get_state_display()}."
    return ""


def _separator(line: str) -> str:
    return next((mark for mark in (";", "\t") if mark in line), ",")


def _problem(row: TrackedRow, consignment: Consignment | None, earlier: int | None) -> str:
    if not row.number:
        return "It names no parcel."
    if earlier is not None:
        return f"Row {earlier} has the same number."
    if found := refusal(consignment, row.number):
        return found
    if not row.tracking_number:
        return "It has no tracking number."
    if max(len(row.tracking_number), len(row.carrier)) > LONGEST:
        return f"A tracking number or carrier has at most {LONGEST} letters."
    return ""
