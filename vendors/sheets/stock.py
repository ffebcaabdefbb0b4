"""The spreadsheet of stock: pieces on hand, as seen, and a count, a delivery or a correction of each variant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from vendors import ledger
from vendors.models import StockMovement, Variant, Vendor
from vendors.sheets.cells import Reader, read_pieces, text_of
from vendors.sheets.offers import read_sku
from vendors.sheets.own import OwnVariants, own_variants, shown_names
from vendors.sheets.plan import Line
from vendors.sheets.sheet import Column, ImportableSheet
from vendors.sheets.writing import Value

BATCH = 500
KINDS = {"counted": ledger.Kind.COUNT, "delivery": ledger.Kind.DELIVERY, "correction": ledger.Kind.CORRECTION}
HEADINGS = {"counted": "Counted", "delivery": "Delivery", "correction": "Correction"}


@dataclass(frozen=True, slots=True)
class Movement:
    """Hold an entry of the ledger with the pieces that it moves."""

    entry: ledger.Entry
    pieces: int


class StockSheet(ImportableSheet):
    """Write counts, deliveries and corrections, each against the pieces that the file saw."""

    name = "stock"
    title = "Stock"
    columns = (
        Column("sku", "SKU", "Names the variant, which is there already.", "LS-M", is_needed=True),
        Column("goods", "Goods", "For you to read; it changes nothing.", "Linen shirt, M", is_shown_only=True),
        Column("seen", "On hand", "As it was when the file was made: leave it.", 5, is_needed=True),
        Column("counted", "Counted", "The pieces that you found; 0 is none. Empty: not counted.", 4),
        Column("delivery", "Delivery", "The pieces that came."),
        Column("correction", "Correction", "More or fewer: 2 or -1. Needs a reason."),
        Column("why", "Why", "The reason, for the list of movements.", "Count of the year"),
    )

    def readers(self, vendor: Vendor) -> dict[str, Reader]:
        """Return the readers."""
        pieces = dict.fromkeys(["seen", *KINDS], read_pieces)
        return {"sku": read_sku, **pieces, "why": text_of(StockMovement, "why")}

    def rows(self, vendor: Vendor) -> Iterator[Sequence[Value]]:
        """Yield a row for each variant, with nothing entered."""
        for variant in own_variants(vendor).iterator(2000):
            yield [variant.sku, shown_names(variant), variant.stock.on_hand, None, None, None, None]

    def lock(self, vendor: Vendor, lines: list[Line]) -> None:
        """Lock the stock in the order of the checkouts."""
        skus = {line.sku for line in lines if _entered(line)}
        ledger.lock_for_entries(
            Variant.objects.filter(product__vendor=vendor, sku__in=skus).values_list("pk", flat=True)
        )

    def compare(self, vendor: Vendor, lines: list[Line], present: set[str]) -> list[Movement]:
        """Compare lines with the vendor's stock."""
        own = OwnVariants(vendor, lines)
        found = ((line, own.of(line)) for line in lines)
        return [each for line, variant in found if variant and (each := _movement(line, variant))]

    def write(self, writes: list[Movement], user: Any, now: datetime) -> None:
        """Write the movements, which are the log of stock."""
        StockMovement.objects.bulk_create(
            [
                StockMovement(
                    stock_id=each.entry.variant_id, kind=each.entry.kind, quantity=each.pieces, why=each.entry.why,
                    user_id=user.pk, at=now,
                )
                for each in sorted(writes, key=lambda each: each.entry.variant_id)
            ],
            batch_size=BATCH,
        )  # fmt: skip


def _entered(line: Line) -> list[str]:
    return [name for name in KINDS if line.values.get(name, "") != ""]


def _movement(line: Line, variant: Variant) -> Movement | None:
    """Return the movement of a line; None where nothing is entered, or with a fault."""
    names, stock, seen = _entered(line), variant.stock, line.values["seen"]
    if not names or line.faults:
        return None
    if len(names) > 1:
        line.refuse(HEADINGS[names[1]], "enter a count, a delivery or a correction, not two of them.")
        return None
    name, why = names[0], line.values.get("why", "")
    if seen != stock.on_hand:
        line.refuse("On hand", _stale_words(variant, seen))
        return None
    if name == "correction" and not why:
        line.refuse("Why", "say why you correct the pieces.")
        return None
    kind = KINDS[name]
    entry = ledger.Entry(variant.pk, kind, line.values[name], why or kind.label.capitalize(), stock.version)
    try:
        pieces = ledger.difference(stock, entry)
    except ledger.LedgerError as error:
        line.refuse(HEADINGS[name], str(error))
        return None
    line.change(f"On hand after {stock.version} movements", stock.on_hand, f"{stock.on_hand + pieces} ({kind.label})")
    return Movement(entry, pieces)


def _stale_words(variant: Variant, seen: Any) -> str:
    if seen == "":
        return "is empty: say what was on hand when the pieces were counted, so that no sale since is undone."
    return (
        f"it was {seen} when the file was made, and is {variant.stock.on_hand} now. "
        "Export again, and enter what you find now."
    )
