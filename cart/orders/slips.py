"""Packing slips: what one says, and the PDF of one or many.

The letters come from Noto fonts (SIL Open Font License 1.1) that are installed as packages: Latin, Greek and Cyrillic
always, others where a slip needs them: the Chinese, Japanese and Korean ones take a quarter of a second to read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self

from cart.orders.models import Consignment
from vendors.times import as_written, days_as_written

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports each table of each font
MARGIN, WIDTH = 15, 180  # millimetres of A4
BARCODE = re.compile(r"[A-Z0-9. -]+")  # of the letters of Code 39 those that a number may have
VARIABLE: Final = "[wdth,wght].ttf"
SANS: Final = ("fontpkg_noto_sans", f"files/NotoSans{VARIABLE}")
OTHERS: Final[dict[str, tuple[str, str, str]]] = {
    "arabic": ("[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]", "fontpkg_noto_sans_arabic",
               f"files/NotoSansArabic{VARIABLE}"),
    "hebrew": ("[\u0590-\u05ff]", "pylopdf_fonts_he", "NotoSansHebrew-Variable.ttf"),
    "devanagari": ("[\u0900-\u097f]", "fontpkg_noto_sans_devanagari", f"files/NotoSansDevanagari{VARIABLE}"),
    "thai": ("[\u0e00-\u0e7f]", "fontpkg_noto_sans_thai", f"files/NotoSansThai{VARIABLE}"),
    "cjk": ("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]",
            "noto_cjk_sans_jp_regular", "NotoSansCJKjp-Regular.otf"),
}  # fmt: skip
SHAPED: Final = re.compile("[\u0300-\u036f\u0590-\u0fff\ufb1d-\ufefc]")  # letters that join, stack or run leftwards


@dataclass(frozen=True, slots=True)
class Slip:
    """Say what is packed, for whom; without prices, for the parcel may be a present."""

    consignment: Consignment
    lines: list[tuple[int, str, str]]  # pieces, SKU, name

    @property
    def pieces(self) -> int:
        """Return the number of pieces in the parcel."""
        return sum(pieces for pieces, _, _ in self.lines)

    @property
    def address(self) -> list[str]:
        """Return the lines of the postal address."""
        return postal_lines(self.consignment)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Return what the packer reads, by name."""
        day = self.consignment.sending_day
        facts = [
            ("Order", self.consignment.order.number),
            ("Ordered", as_written(self.consignment.placed_at)),
            ("Delivery", self.consignment.delivery_method.capitalize()),
            ("To leave on", days_as_written(day, day)),
            ("To arrive", self.consignment.promised),
        ]
        return [(name, value) for name, value in facts if value]


def postal_lines(consignment: Consignment) -> list[str]:
    """Return the lines of the postal address of a consignment that was read with its order."""
    order = consignment.order
    place = f"{order.town}, {order.postcode}" if order.postcode else order.town
    return [line for line in (order.name, order.line1, order.line2, place, order.country.name) if line]


def find_slips(consignment_ids: Collection[int], vendor_id: int | None = None) -> Iterator[Slip]:
    """Return the slips of consignments, of one vendor or any, the oldest first."""
    rows = Consignment.objects.filter(pk__in=consignment_ids, placed_at__isnull=False)
    if vendor_id is not None:
        rows = rows.filter(vendor=vendor_id)
    for row in rows.select_related("order", "vendor").prefetch_related("lines").order_by("placed_at", "pk"):
        yield Slip(row, [(line.to_pack, line.sku, line.name) for line in row.lines.all() if line.to_pack])


class SlipsFile:
    """Build a PDF of slips, each on a page of its own."""

    def __init__(self) -> None:
        from fpdf import FPDF  # noqa: PLC0415 -- a sixth of what every process takes to start

        self.keys: list[int] = []
        self._fonts: list[str] = []
        self._pdf = FPDF(format="A4")
        self._pdf.set_title("Packing slips")
        self._pdf.set_margin(MARGIN)
        self._pdf.set_auto_page_break(auto=True, margin=MARGIN)
        self._pdf.add_font("sans", "", font_path(*SANS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files of the fonts."""
        for font in self._pdf.fonts.values():
            font.close()  # type: ignore[union-attr]  # all of ours are files

    def add(self, slip: Slip) -> None:
        """Add the page of a slip."""
        self.keys.append(slip.consignment.pk)
        self._get_fonts(slip)
        self._pdf.add_page()
        self._head(slip)
        self._address(slip)
        for row in slip.lines:
            self._line(*(str(cell) for cell in row))
        self._pdf.ln(4)
        self._write(f"{slip.pieces} piece{'' if slip.pieces == 1 else 's'} in this parcel", size=11)

    def content(self) -> bytes:
        """Return the file."""
        return bytes(self._pdf.output())

    def _get_fonts(self, slip: Slip) -> None:
        """Read the fonts of the scripts that the slip needs and the file has not."""
        texts = [slip.consignment.vendor.name, *slip.address, *(name for _, _, name in slip.lines)]
        text = " ".join(texts)
        for name, (letters, package, path) in OTHERS.items():
            if name not in self._fonts and re.search(letters, text):
                weight: Any = {"variations": {"wght": 400}} if name == "hebrew" else {}  # it begins at the thinnest
                self._pdf.add_font(name, "", font_path(package, path), **weight)
                self._fonts.append(name)
                self._pdf.set_fallback_fonts(self._fonts, exact_match=False)
        self._pdf.set_text_shaping(use_shaping_engine=bool(SHAPED.search(text)))  # it takes five times as long

    def _head(self, slip: Slip) -> None:
        number = slip.consignment.number
        self._set_size(11)
        self._pdf.cell(WIDTH / 2, 8, slip.consignment.vendor.name)
        self._pdf.cell(WIDTH / 2, 8, "Packing slip", align="R", new_x="LMARGIN", new_y="NEXT")
        self._write(number, size=22)
        if BARCODE.fullmatch(number):
            self._pdf.code39(f"*{number}*", x=MARGIN, y=self._pdf.get_y() + 1, w=1, h=10)
            self._pdf.ln(14)

    def _address(self, slip: Slip) -> None:
        top = self._pdf.get_y() + 2
        self._pdf.set_y(top)
        for line in slip.address:
            self._write(line, size=13, width=WIDTH * 0.6)
        bottom = self._pdf.get_y()
        self._pdf.set_y(top)
        for name, value in slip.facts:
            self._pdf.set_x(MARGIN + WIDTH * 0.65)
            self._write(f"{name}: {value}", size=10, width=WIDTH * 0.35, height=7)
        self._pdf.set_y(max(bottom, self._pdf.get_y()) + 6)

    def _line(self, pieces: str, sku: str, name: str) -> None:
        top = self._pdf.get_y()
        self._pdf.line(MARGIN, top, MARGIN + WIDTH, top)
        self._set_size(14)
        self._pdf.cell(15, 9, f"{pieces} ×")
        self._set_size(10)
        self._pdf.cell(45, 9, sku)
        self._pdf.multi_cell(WIDTH - 60, 9, name, align="L", new_x="LMARGIN", new_y="NEXT")

    def _set_size(self, size: int) -> None:
        """Set the font, by way of another size: after a text in two fonts fpdf2 leaves out what it holds for set."""
        self._pdf.set_font("sans", "", 1)
        self._pdf.set_font("sans", "", size)

    def _write(self, text: str, *, size: int, width: float = WIDTH, height: float | None = None) -> None:
        self._set_size(size)
        self._pdf.multi_cell(width, height or size * 0.5 + 1, text, align="L", new_x="LMARGIN", new_y="NEXT")


def font_path(package: str, path: str) -> Path:
    """Return the file of a font that a package carries."""
    return Path(str(files(package))) / path
