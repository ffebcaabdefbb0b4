"""Prices and stock from a spreadsheet, Excel's in German too; stock that moved since is not written over."""

import pytest
from auditlog.models import LogEntry
from django.utils import timezone

from vendors import ledger
from vendors.jobs.models import Job
from vendors.models import Product, Stock, StockMovement, Variant
from vendors.sheets.writing import Format


@pytest.fixture
def many(sides):
    """The shop of Amber has twelve variants."""
    product = sides[0].rows[Product]
    Variant.objects.bulk_create(Variant(product=product, sku=f"A-{n}", name=str(n), price=1000) for n in range(11))
    return product


def test_prices_of_excel_in_german(office, many):
    sheet = (
        "SKU;Goods;Price;Sale price;Sale from;Sale until\r\nA-1;Läufer;1.234,50;999,90;01.12.2026;24.12.2026 18:00\r\n"
    )
    job = office.do_import(sheet.encode("cp1252"), sheet="prices")
    assert job.summary == "Imported: 1 changed."
    row = Variant.objects.get(sku="A-1")
    assert (row.price, row.sale_price) == (123450, 99990)
    assert f"{timezone.localtime(row.sale_until):%d.%m.%Y %H:%M}" == "24.12.2026 18:00"
    assert LogEntry.objects.get_for_object(row).get().changes["price"] == ["1000", "123450"]


def test_only_what_is_there_gets_a_price(office, many):
    assert "Row 2, SKU: there is no “B-1” in the shop." in office.faults("SKU,Price\nB-1,5\n", sheet="prices")
    assert "Row 2, SKU: is empty." in office.faults("SKU,Price\n,5\n", sheet="prices")
    assert "Row 2, Sale price: A sale price is below the price." in office.faults(
        "SKU,Sale price\nA-1,10\n", sheet="prices"
    )


def test_a_sku_that_the_shop_has_twice_is_not_guessed(office, many, sides):
    other = Product.objects.create(vendor=many.vendor, category=many.category, name="Other", slug="other")
    Variant.objects.create(product=other, sku="A-1", price=5)
    assert "“A-1” is in the shop more than once" in office.faults("SKU,Price\nA-1,5\n", sheet="prices")
    assert "“A-1” is in the shop more than once: say the slug, too." in office.faults("SKU,Price\nA-1,5\n")
    assert office.do_import("Slug,SKU,Price\nother,A-1,6\n").state == Job.State.FINISHED
    assert list(Variant.objects.filter(sku="A-1").order_by("price").values_list("price", flat=True)) == [600, 1000]


@pytest.mark.parametrize(("model", "sheet"), [("product", "prices"), ("stock", "stock")])
def test_what_was_exported_changes_nothing(office, many, model, sheet):
    for form in Format:
        check = office.check(office.export(model=model, form=form, sheet=sheet), model=model, sheet=sheet)
        assert (check.total, check.summary) == (12, "Nothing was imported yet. There is nothing to change."), form


def stock_of(sku):
    return Stock.objects.get(variant__sku=sku)


def test_counts_deliveries_and_corrections_are_movements(office, many, sides):
    head = "SKU,On hand,Counted,Delivery,Correction,Why\n"
    rows = "A-1,0,4,,,\nA-2,0,,10,,New\nAmber-1,5,,,-2,Broken\nA-3,0,,,,\nA-4,0,0,,,\n"
    job = office.do_import(head + rows, model="stock")
    assert job.summary == "Imported: 4 changed, 1 unchanged."
    assert [stock_of(sku).on_hand for sku in ("A-1", "A-2", "Amber-1", "A-3")] == [4, 10, 3, 0]
    written = StockMovement.objects.filter(user=sides[0].staff["catalogue"], at__gte=job.created_at).order_by("stock")
    assert [(each.kind, each.quantity, each.why) for each in written] == [
        ("correction", -2, "Broken"), ("count", 4, "Count"), ("delivery", 10, "New"), ("count", 0, "Count"),
    ]  # fmt: skip


REFUSED = [
    ("Amber-1,4,9,,,", "Row 2, On hand: it was 4 when the file was made, and is 5 now."),
    ("Amber-1,,9,,,", "Row 2, On hand: is empty: say what was on hand"),
    ("Amber-1,5,,-1,,", "Row 2, Delivery: A delivery brings one piece or more."),
    ("Amber-1,5,,,-6,Lost", "Row 2, Correction: There cannot be fewer than none on hand: there are 5."),
    ("Amber-1,5,,,-1,", "Row 2, Why: say why you correct the pieces."),
    ("Amber-1,5,5,1,,", "Row 2, Delivery: enter a count, a delivery or a correction, not two of them."),
    ("Amber-1,5,-1,,,", "Row 2, Counted: There cannot be fewer than none on hand"),
    ("Amber-1,5,1.000,,,", "Row 2, Counted: “1.000” is no number of pieces."),
    ("Amber-1,5,1000000000,,,\nAmber-1,5,1,,,", "Row 3, SKU: “Amber-1” is in row 2, too."),
]


def test_entries_that_cannot_be_are_refused(office):
    before = StockMovement.objects.count()
    for row, words in REFUSED:
        said = office.faults(f"SKU,On hand,Counted,Delivery,Correction,Why\n{row}\n", model="stock")
        assert words in said, row
    assert StockMovement.objects.count() == before


def test_stock_that_moved_since_the_check_is_not_written_over(office, sides):
    """A piece goes and comes back: on hand is as before, and yet somebody moved it."""
    check = office.check("SKU,On hand,Counted\nAmber-1,5,9\n", model="stock")
    for pieces in (-1, 1):
        seen = stock_of("Amber-1")
        entry = ledger.Entry(seen.pk, ledger.Kind.CORRECTION, pieces, "Look", seen.version)
        ledger.enter(entry, user=None, now=timezone.now())
    office.start(check, model="stock")
    job = office.latest()
    assert (job.state, job.summary) == (Job.State.REFUSED, "Nothing was imported: 1 row changed since the check.")
    assert job.refusals == [
        [
            "Row 2",
            (
                "it would have been On hand after 1 movements: 5 → 9 (count), and would be "
                "On hand after 3 movements: 5 → 9 (count) now."
            ),
        ]
    ]
    assert stock_of("Amber-1").on_hand == 5
