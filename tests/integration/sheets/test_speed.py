"""The import of a whole catalogue: 5,000 products, checked and imported, within half a minute."""

import time

from sessions_farm.tests.support.scale import counted
from vendors.models import Product
from vendors.sheets.writing import Format, write

PRODUCTS, SECONDS = 5_000, 30
HEAD = ["Slug", "Product", "Category", "Status", "Summary", "Description", "Variant", "SKU", "Price"]
TEXT = "Woven slowly in a small mill by the sea, washed, and dried in the wind. " * 8


def test_a_catalogue_is_imported_in_half_a_minute(office, scale):
    number = counted(PRODUCTS, scale)
    rows = [
        [f"cloth-{n}", f"Cloth {n}", "Things", "published", f"Cloth number {n}.", TEXT, "", f"C-{n}", n + 1]
        for n in range(number)
    ]
    content = write(Format.XLSX, HEAD, rows)
    began = time.monotonic()
    check = office.check(content, name="goods.xlsx")
    checked = time.monotonic()
    assert office.start(check).status_code == 302
    job = office.latest()
    imported = time.monotonic()
    assert job.summary == f"Imported: {number:,} new products."
    assert Product.objects.filter(name__startswith="Cloth").count() == number

    changes = write(Format.XLSX, HEAD, [[*row[:6], "Only", row[7], row[8] * 2] for row in rows])
    assert office.do_import(changes, name="goods.xlsx").summary == f"Imported: {number:,} changed."
    changed = time.monotonic()
    assert (checked - began) + (imported - checked) < SECONDS
    assert changed - imported < SECONDS
    print(f"\n{number} products: checked {checked - began:.1f} s, imported {imported - checked:.1f} s, "  # noqa: T201
          f"then checked and changed {changed - imported:.1f} s")  # fmt: skip
