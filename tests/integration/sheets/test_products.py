"""Products from a spreadsheet: made, changed, left alone; refused in words with the row's number, all or nothing."""

from datetime import timedelta

from auditlog.models import LogEntry
from django.utils import timezone

from tests.integration.sheets.conftest import Office
from vendors.jobs.models import Job
from vendors.models import Product, Stock, Variant
from vendors.sheets.writing import Format

HEAD = "Slug,Product,Category,Status,Summary,Variant,SKU,Price,Sale price,Sale from,Sale until,Withdrawn\n"


def test_new_products_are_made_with_their_variants_and_their_stock_rows(office, sides):
    job = office.do_import(
        HEAD
        + "shade,Shade,Lamps & light,published,For evenings,Small,SH-S,12.50,9.90,2026-12-01,2026-12-24,\n"
        + "shade,,,,,Large,SH-L,20,,,,yes\n"
        + ",Bare bulb,things,,,,BB,3,,,,\n"
    )
    assert (job.state, job.summary) == (Job.State.FINISHED, "Imported: 2 new products, 1 new variant.")
    shade = Product.objects.select_related("category").get(slug="shade")
    assert (shade.vendor, shade.status, shade.summary) == (sides[0].vendor, "published", "For evenings")
    assert shade.category.slug == "lamps"
    small, large = shade.variants.all()
    assert (small.name, small.price, small.sale_price, small.position) == ("Small", 1250, 990, 0)
    assert f"{timezone.localtime(small.sale_from):%d.%m. %H:%M}" == "01.12. 00:00"
    assert f"{timezone.localtime(small.sale_until):%d.%m. %H:%M}" == "25.12. 00:00", "the day is within"
    assert (large.sku, large.withdrawn, large.position) == ("SH-L", True, 1)
    bulb = Product.objects.get(slug="bare-bulb")
    assert (bulb.status, Stock.objects.filter(variant__product=bulb).count()) == ("draft", 1)


def test_rows_that_are_there_are_changed_and_the_log_says_who_and_what(office, sides):
    before = Variant.objects.get(sku="Amber-1")
    check = office.check("SKU,Product,Price,Sale price\nAmber-1,Amber lamp II,11.00,9\n")
    assert (check.summary, check.arguments["preview"]) == (
        "Nothing was imported yet. 1 changed.",
        [["2", "Amber-1", "changed", "Price", "€10.00", "€11.00"],
         ["2", "Amber-1", "changed", "Sale price", "", "€9.00"],
         ["2", "Amber-1", "changed", "Product", "Amber lamp", "Amber lamp II"]],
    )  # fmt: skip
    assert Variant.objects.get(pk=before.pk).price == before.price, "the check changes nothing"
    office.start(check)
    assert office.latest().state == Job.State.FINISHED
    after = Variant.objects.select_related("product").get(pk=before.pk)
    assert (after.price, after.sale_price, after.product.name, after.name) == (1100, 900, "Amber lamp II", "Amber")
    entries = LogEntry.objects.filter(actor=sides[0].staff["catalogue"]).values_list("object_repr", "changes")
    assert dict(entries) == {
        "Amber lamp II": {"name": ["Amber lamp", "Amber lamp II"]},
        "Amber lamp II, Amber": {"price": ["1000", "1100"], "sale_price": ["None", "900"]},
    }


def test_what_was_exported_changes_nothing(office, sides):
    product = sides[0].rows[Product]
    Product.objects.filter(pk=product.pk).update(
        name="=1+1", summary="+ two", description="- one\r\n\r\n@home, “so”; yes\t'x'", status="published"
    )
    Variant.objects.filter(product=product).update(
        name="'quoted", sale_price=999, sale_from=timezone.now(), sale_until=timezone.now() + timedelta(days=1)
    )
    Variant.objects.create(product=product, sku="00123", name="#N/A", price=1_234_567, withdrawn=True)
    Product.objects.create(vendor=product.vendor, category=product.category, name="No variant yet", slug="bare")
    for form in Format:
        check = office.check(office.export(form=form), name=f"goods.{form}")
        assert (check.total, check.state) == (3, Job.State.FINISHED), form
        assert check.summary == "Nothing was imported yet. There is nothing to change.", form


FAULTS = {
    "Lamp,L-1,abc": "Row 2, Price: “abc” is no amount: write 12.50.",
    'Lamp,L-1,"1,234"': "Row 2, Price: “1,234” may be 1234 or 1.234: write 1234.00.",
    "Lamp,L-1,": "Row 2, Price: is empty, and a variant needs one.",
    "Lamp,L-1,0": "Row 2, Price: A price is more than nothing.",
    "Lamp,L-1,-5": "“-5” is no amount",
    "Lamp,L-1,#REF!": "Row 2, Price: “#REF!” is an error of the spreadsheet.",
    "Lamp,L-1,=A1*2": "is a formula without its result",
    "Lamp,,5": "Row 2, SKU: is empty, and a variant needs one.",
    f"Lamp,{'L' * 41},5": "Row 2, SKU: Ensure this value has at most 40 characters (it has 41).",
    "Lamp,L-1,5\nLamp,L-1,6": "Row 3, SKU: “L-1” is in row 2, too.",
    ",L-1,5": "Row 2, Slug: write one",
    "Lamp,L-1,5,nowhere": "Row 2, Category: there is no category “nowhere” in the mall.",
    "Lamp,L-1,5,": "Row 2, Category: is empty, and “lamp-x” is a new product.",
    "Lamp,L-1,5,things,open": "Row 2, Status: “open” is none of draft, published, withdrawn.",
    "Lamp,L-1,5,things,published,,,,yes": "Row 2, Status: A published product needs a variant that is not withdrawn",
    "Lamp,L-1,5,things,,5": "Row 2, Sale price: A sale price is below the price.",
    "Lamp,L-1,5,things,,4,2.12.2026 10:00,1.12.2026 10:00": "Row 2, Sale until: The sale ends before it begins.",
    "Lamp,L-1,5,things,,4,31/12/2026": "Row 2, Sale from: “31/12/2026” is no date: write 2026-12-31, 31.12.2026",
    "Lamp,L-1,5,things,,4,31.02.2026": "“31.02.2026” is no date that there is.",
    "Lamp,L-1,5,things,,4,29.03.2026 01:30": "is an hour that the clocks leave out",
    "Lamp,L-1,5,things,,4,,,maybe": "Row 2, Withdrawn: “maybe” is neither yes nor no.",
    "Lamp,L-1,5,things\nLampe,L-2,5": "Row 3, Product: differs from row 2, which is the same product’s.",
    "Lamp,L-1,5,things\nLamp,L-2,5,lamps": "Row 3, Category: differs from row 2, which is the same product’s.",
}


def test_faults_are_said_with_the_row_and_nothing_is_imported(office):
    head = "Slug,Product,SKU,Price,Category,Status,Sale price,Sale from,Sale until,Withdrawn\n"
    before = Product.objects.count(), Variant.objects.count()
    wrong = {}
    for rows, words in FAULTS.items():
        said = office.faults(
            head + "\n".join(f"{'lamp-x' if row.startswith('Lamp') else ''},{row}" for row in rows.split("\n"))
        )
        if words not in said or "Nothing was imported: " not in said:
            wrong[rows] = said
    assert wrong == {}
    assert (Product.objects.count(), Variant.objects.count()) == before


def test_one_faulty_row_keeps_all_others_out(office):
    good = "".join(f"Lamp {n},Things,L-{n},5\n" for n in range(50))
    assert "Row 52, Price" in office.faults("Product,Category,SKU,Price\n" + good + "Lamp,Things,L,five\n")
    assert Product.objects.filter(name__startswith="Lamp").count() == 0
    office.do_import("Product,Category,SKU,Price\n" + good)
    assert Product.objects.filter(name__startswith="Lamp").count() == 50


def test_a_variant_moves_to_no_other_product(office, sides):
    office.do_import("Product,Category,SKU,Price\nShade,Things,SH,5\n")
    assert "“SH” is a variant of Shade (shade), and moves to no other product" in office.faults(
        "Slug,SKU,Price\nlamp,SH,5\n"
    )


def test_withdrawing_the_last_variant_of_a_published_product_is_refused(office):
    assert "A published product needs a variant" in office.faults("SKU,Withdrawn\nAmber-1,yes\n")
    job = office.do_import(
        "Slug,SKU,Price,Withdrawn\n,Amber-1,,yes\nlamp,Amber-2,5,no\n".replace(",Amber-1,,", ",Amber-1,10,")
    )
    assert job.summary == "Imported: 1 new variant, 1 changed."


def test_an_empty_cell_clears_what_may_be_empty(office, sides):
    Variant.objects.filter(sku="Amber-1").update(sale_price=500, name="One")
    office.do_import("SKU,Sale price,Variant\nAmber-1,,\n")
    variant = Variant.objects.get(sku="Amber-1")
    assert (variant.sale_price, variant.name, variant.price) == (None, "", 1000)
    assert "Row 2, Product: is empty, and a product needs one." in office.faults("SKU,Product\nAmber-1,\n")


def test_owners_may_and_those_who_pack_may_not(sides):
    assert Office(sides[0], "owner").do_import("SKU,Price\nAmber-1,12\n").state == Job.State.FINISHED
    for role in ("orders", "support"):
        assert Office(sides[0], role).get("/admin/vendors/product/import/").status_code == 403


def test_option_values_make_the_name_and_are_on_sale_once(office, sides):
    values = {"Size": "M"}
    Variant.objects.filter(sku="Amber-1").update(option_values=values, name="M")
    product = sides[0].rows[Product]
    Variant.objects.create(product=product, sku="Old-M", name="M", price=5, option_values=values, withdrawn=True)
    assert "Row 2, Variant: its options make the name" in office.faults("SKU,Variant\nAmber-1,Medium\n")
    said = office.faults("SKU,Withdrawn\nOld-M,no\n")
    assert "Row 2, Withdrawn: another variant on sale has the same values." in said
    for new, old in (("yes", "no"), ("no", "yes")):  # whichever of the two has the lower number
        job = office.do_import(f"SKU,Variant,Withdrawn\nAmber-1,M,{new}\nOld-M,M,{old}\n")
        assert job.summary == "Imported: 2 changed."
