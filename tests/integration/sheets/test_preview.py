"""What was seen is what is imported: a row that changed since the check keeps all out, and a job is done once."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.support.html import words_of
from vendors.jobs import running
from vendors.jobs.models import Job
from vendors.jobs.run import Run
from vendors.models import Category, Product, Variant
from vendors.sheets import kinds
from vendors.sheets.changed import update

ROWS = "Product,Category,SKU,Price\nAmber lamp,Things,Amber-1,11\nShade,Lamps & light,SH,5\n"


def page(office, job) -> str:
    return words_of(office.get(reverse("admin:jobs_job_change", args=[job.pk])))


def test_the_page_leads_from_the_file_to_the_preview_to_the_import(office):
    check = office.check(ROWS)
    said = page(office, check)
    assert "Nothing was imported yet. 1 new product, 1 changed." in said
    assert "2 Amber-1 changed Price: €10.00 → €11.00" in said
    assert "3 SH new product Product: Shade (shade), Lamps & light, draft" in said
    assert "3 SH new product Variant: SH: €5.00" in said
    assert "Download changes.csv" in said
    assert office.file_of(check).decode("utf-8-sig").splitlines()[:2] == [
        "Row,SKU,What,Column,From,To",
        "2,Amber-1,changed,Price,€10.00,€11.00",
    ]
    answer = office.start(check)
    job = office.latest()
    assert answer["Location"] == reverse("admin:jobs_job_change", args=[job.pk])
    assert "Imported: 1 new product, 1 changed." in page(office, job)
    assert "See the import" in page(office, check)
    assert office.start(check)["Location"] == answer["Location"], "pressed twice it is one import"
    assert Product.objects.filter(name="Shade").count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: Variant.objects.filter(sku="Amber-1").update(price=1200),
         "Row 2: it would have been Price: €10.00 → €11.00, and would be Price: €12.00 → €11.00 now."),
        (lambda: Variant.objects.filter(sku="Amber-1").update(price=1100),
         "Row 2: it would have been Price: €10.00 → €11.00, and would be unchanged now."),
        (lambda: Product.objects.filter(slug="lamp").update(name="Lantern"),
         ("Row 2: it would have been Price: €10.00 → €11.00, and would be "
         "Price: €10.00 → €11.00; Product: Lantern → Amber lamp now.")),
        (lambda: Product.objects.filter(slug="lamp").update(slug="shade"),
         "Row 3: Product: differs from row 2, which is the same product’s."),
        (lambda: Category.objects.filter(slug="lamps").update(name="Light"),
         "Row 3: Category: there is no category “Lamps & light” in the mall."),
    ],
)  # fmt: skip
def test_a_row_that_changed_since_the_check_keeps_all_out(office, change, words):
    check = office.check(ROWS)
    change()
    before = list(Variant.objects.order_by("pk").values_list("pk", "price"))
    office.start(check)
    job = office.latest()
    assert job.state == Job.State.REFUSED
    assert words in "\n".join(f"{row}: {why}" for row, why in job.refusals)
    assert list(Variant.objects.order_by("pk").values_list("pk", "price")) == before
    assert "Check the file again" in page(office, job)
    office.post(reverse("admin:vendors_product_import_again", args=[check.pk]))
    again = office.latest()
    assert again.pk != check.pk
    assert again.kind == kinds.CheckKind.name


def test_an_error_in_the_middle_keeps_nothing(office, monkeypatch):
    check = office.check(ROWS)

    def half(rows, **more):
        update(rows, **more)
        raise ValueError("the disk is full")

    monkeypatch.setattr("vendors.sheets.changed.update", half)
    office.start(check)
    job = office.latest()
    assert (job.state, job.position) == (Job.State.REFUSED, 0)
    assert Variant.objects.get(sku="Amber-1").price == 1000
    assert not Product.objects.filter(name="Shade").exists()


def test_a_job_that_was_stopped_while_it_wrote_keeps_nothing(office, monkeypatch):
    check = office.check(ROWS)
    office.start(check)
    job = Job.objects.filter(kind=kinds.ImportKind.name).get()

    def stopped(self, **facts):
        Job.objects.filter(pk=job.pk).update(state=Job.State.STOPPED, due_at=None)
        with self.batch():
            pass

    monkeypatch.setattr(Run, "keep", stopped)
    office.work()
    assert Variant.objects.get(sku="Amber-1").price == 1000


def test_a_worker_that_died_behind_its_transaction_is_followed_by_one_that_finds_it_done(office, monkeypatch):
    check = office.check(ROWS)
    office.start(check)
    with monkeypatch.context() as patch:
        patch.setattr(running, "_finish", lambda *_: None)
        office.work_once()
    job = Job.objects.get(kind=kinds.ImportKind.name)
    assert (job.state, Variant.objects.get(sku="Amber-1").price) == (Job.State.RUNNING, 1100)
    Job.objects.filter(pk=job.pk).update(due_at=job.created_at)
    assert office.latest().summary == "Imported: 1 new product, 1 changed."
    assert Product.objects.filter(name="Shade").count() == 1


def test_a_worker_that_died_behind_its_faults_is_followed_by_one_that_finds_the_same(office, monkeypatch):
    file = SimpleUploadedFile("goods.csv", b"SKU,Price\nAmber-1,five\n")
    office.post(reverse("admin:vendors_product_import"), {"file": file, "sheet": "products"})
    with monkeypatch.context() as patch:
        patch.setattr(running, "_finish", lambda *_: None)
        office.work_once()
    job = Job.objects.get()
    assert (job.state, job.refused, job.position) == (Job.State.RUNNING, 1, 1)
    Job.objects.filter(pk=job.pk).update(due_at=job.created_at)
    assert office.latest().summary == "Nothing was imported: 1 row with a fault."


def test_what_a_preview_shows_is_bounded_and_its_file_is_not(office):
    rows = "".join(f"Lamp {n},Things,L-{n},5\n" for n in range(150))
    check = office.check("Product,Category,SKU,Price\n" + rows)
    assert len({row[0] for row in check.arguments["preview"]}) == kinds.SHOWN
    assert office.file_of(check).decode().count("new product") == 300


def test_a_file_with_a_fault_in_each_row_has_a_page(office):
    rows = "".join(f"Lamp {n},Things,L-{n},price {n}\n" for n in range(500))
    job = office.check("Product,Category,SKU,Price\n" + rows)
    assert (job.refused, len(job.refusals), len(job.reasons)) == (500, 200, 50)
    said = page(office, job)
    assert "Rows with faults: 500" in said
    assert "Row 2 Price: “price 0” is no amount: write 12.50." in said


def test_files_that_cannot_be_read_are_refused_at_the_form_or_by_the_check(office):
    url = reverse("admin:vendors_product_import")
    assert "Choose a file." in words_of(office.post(url, {"sheet": "products"}))
    for content, words in [
        (b"\x89PNG\0", "This is no spreadsheet."),
        (b"   ", "The file is empty."),
    ]:
        with pytest.raises(AssertionError, match=words):
            office.check(content)
    assert "There is no column “Prise”. The columns are: Slug, Product," in office.faults("SKU,Prise\nA,5\n")
    assert "The column “SKU” is missing." in office.faults("Product,Price\nA,5\n")
    assert "There is nothing below the headings" in office.faults("SKU,Price\n")


@pytest.mark.parametrize("form", ["xlsx", "semicolon"])
def test_the_example_files_are_imported_as_they_are(office, form):
    def example(model, sheet):
        return office.get(reverse(f"admin:vendors_{model}_example", args=[sheet, form]))

    answer = example("product", "products")
    assert answer["Content-Disposition"].startswith("attachment")
    assert office.do_import(answer.content).summary == "Imported: 1 new product, 1 new variant."
    same = office.check(example("product", "prices").content, sheet="prices")
    assert same.summary == "Nothing was imported yet. There is nothing to change."
    assert "it was 5 when the file was made, and is 0 now" in office.faults(
        example("stock", "stock").content, model="stock"
    )
    assert example("stock", "products").status_code == 404
