"""Spreadsheets know one's own vendor alone: others' SKUs, slugs, categories, files, jobs and pages are not there."""

import pytest
from django.contrib import admin
from django.urls import reverse

from mall.accounts.models import User
from tests.integration.sheets.conftest import Office
from tests.support.html import words_of
from tests.support.two_vendors import make_side
from vendors.jobs.models import Job
from vendors.models import Membership, Product, Stock, Variant
from vendors.sheets.kinds import CheckKind, ImportKind
from vendors.sheets.page import SheetPagesMixin

ROWS = "SKU,Price\nAmber-1,11\n"


def everything(side) -> list:
    goods = Variant.objects.filter(product__vendor=side.vendor).order_by("pk")
    return [
        *Product.objects.filter(vendor=side.vendor).values("name", "slug", "category", "status", "summary"),
        *goods.values("sku", "name", "price", "stock__on_hand", "stock__version"),
    ]


@pytest.fixture
def theirs(sides):
    """The shop of Basalt, with a product that has Amber's SKU too."""
    side = sides[1]
    Variant.objects.create(product=side.rows[Product], sku="Amber-1", name="Basalt", price=77)
    return side


@pytest.fixture
def elsewhere(foreign):
    """A vendor of another community."""
    return make_side("Coral", foreign.marketplace)


def test_their_sku_and_slug_are_new_ones_of_ones_own(office, sides, theirs, elsewhere):
    before = everything(theirs), everything(elsewhere)
    job = office.do_import(
        "Slug,Product,Category,SKU,Price\nlamp,Amber lamp,Things,Basalt-1,3\nlamp,,,Coral-1,4\nlamp,,,Amber-1,5\n"
    )
    assert job.summary == "Imported: 2 new variants, 1 changed."
    assert (everything(theirs), everything(elsewhere)) == before
    own = Variant.objects.filter(product__vendor=sides[0].vendor).values_list("sku", "price")
    assert dict(own) == {"Amber-1": 500, "Basalt-1": 300, "Coral-1": 400}


@pytest.mark.parametrize(
    ("model", "sheet", "head"), [("product", "prices", "SKU,Price"), ("stock", "stock", "SKU,On hand,Counted")]
)
def test_their_sku_has_no_price_and_no_stock_here(office, theirs, elsewhere, model, sheet, head):
    before = everything(theirs), everything(elsewhere)
    for sku in ("Basalt-1", "Coral-1"):
        said = office.faults(f"{head}\n{sku},5{',6' if sheet == 'stock' else ''}\n", model=model, sheet=sheet)
        assert f"there is no “{sku}” in the shop." in said
        assert "lamp" not in said
    assert (everything(theirs), everything(elsewhere)) == before


@pytest.mark.parametrize("named", ["slug", "name", "pk"])
def test_categories_are_those_of_ones_own_marketplace(office, foreign, named):
    text = str(getattr(foreign, named))
    assert f"there is no category “{text}” in the mall." in office.faults(
        f"Product,Category,SKU,Price\nNet,{text},N,5\n"
    )
    assert "there is no category" in office.faults(f"SKU,Category\nAmber-1,{text}\n")


def test_numbers_of_rows_are_no_column(office, theirs):
    for column in ("id", "pk", "vendor", "vendor_id", "product_id", "marketplace"):
        said = office.faults(f"SKU,Price,{column}\nAmber-1,5,{theirs.rows[Product].pk}\n")
        assert f"There is no column “{column}”." in said


@pytest.mark.parametrize("form", ["xlsx", "csv"])
def test_exports_have_own_rows_only(sides, theirs, elsewhere, form):
    owner = Office(sides[0], "owner")
    for model, app, sheet in (
        ("product", "vendors", "products"), ("product", "vendors", "prices"), ("stock", "vendors", "stock"),
        ("consignment", "orders", "orders"),
    ):  # fmt: skip
        content = owner.export(model=model, app=app, form=form, sheet=sheet, vendor=theirs.vendor.pk)
        if form == "csv":
            text = content.decode()
            assert "Amber" in text, sheet
            assert "Basalt" not in text, sheet
            assert "Coral" not in text, sheet


def test_control_without_the_vendor_the_import_overwrites_their_row(office, theirs, monkeypatch):
    everyones = lambda _, lines: Product.objects.filter(variants__sku__in=[line.sku for line in lines])  # noqa: E731
    monkeypatch.setattr("vendors.sheets.products._products_of", everyones)
    before = everything(theirs)
    office.do_import("SKU,Price\nBasalt-1,3\n")
    assert everything(theirs) != before


def test_a_vendor_that_is_not_ones_own_cannot_be_chosen(sides, theirs, elsewhere):
    """Also by a person of two shops, who chooses on the page, and sees no third."""
    office = Office(sides[0])
    Membership.objects.create(vendor=elsewhere.vendor, user=office.user, role="catalogue")
    page = office.get(reverse("admin:vendors_product_import"))
    assert "Coral & Co" in words_of(page)
    assert "Basalt" not in words_of(page)
    with pytest.raises(AssertionError, match="is not one of the available choices"):
        office.check(ROWS, vendor=theirs.vendor.pk)
    with pytest.raises(AssertionError, match="This field is required"):
        office.check(ROWS)
    before = everything(theirs), everything(sides[0])
    assert "no “Amber-1”" in office.faults(ROWS, sheet="prices", vendor=elsewhere.vendor.pk)
    job = office.do_import("SKU,Price\nCoral-1,11\n", vendor=elsewhere.vendor.pk)
    assert job.vendor == elsewhere.vendor
    assert (everything(theirs), everything(sides[0])) == before
    content = office.export(form="csv", vendor=elsewhere.vendor.pk).decode()
    assert "Coral" in content
    assert "Amber" not in content


def test_their_jobs_can_be_neither_seen_nor_started_nor_repeated(office, sides, theirs):
    check = office.check(ROWS)
    for other in (Office(theirs), Office(sides[0], "owner")):
        for page in ("import_start", "import_again"):
            for model in ("product", "stock"):
                assert other.post(reverse(f"admin:vendors_{model}_{page}", args=[check.pk])).status_code == 404
        for url in (reverse("admin:jobs_job_change", args=[check.pk]), reverse("admin:jobs_job_file", args=[check.pk])):
            assert other.get(url).status_code == 404
    assert office.post(reverse("admin:vendors_stock_import_start", args=[check.pk])).status_code == 404, "no stock"
    assert office.get(reverse("admin:vendors_product_import_start", args=[check.pk])).status_code == 405
    assert not Job.objects.filter(kind=ImportKind.name).exists()
    assert Job.objects.filter(kind=CheckKind.name).count() == 1
    assert Variant.objects.get(sku="Amber-1", price=1000)


def test_an_import_of_their_check_is_refused_by_the_worker(office, sides, theirs):
    """A job whose arguments name another's check: nobody can start one, and it would do nothing."""
    check = office.check(ROWS)
    for side in (theirs, sides[0]):
        other = Office(side, "owner")
        Job.objects.create(
            kind=ImportKind.name, title="x", vendor=side.vendor, user=other.user,
            arguments={"sheet": "products", "model": "vendors_product", "check": check.pk},
        )  # fmt: skip
        job = other.latest()
        assert (job.state, job.summary) == (
            Job.State.REFUSED, "The check of this file is no longer there: hand the file in again.",
        )  # fmt: skip
    assert Variant.objects.get(sku="Amber-1", price=1000)


def test_a_person_who_lost_the_role_since_the_check_imports_nothing(office, sides):
    check = office.check(ROWS)
    office.start(check)
    Membership.objects.filter(user=office.user).update(role="support")
    assert "has no role any more" in office.latest().summary
    assert office.start(check).status_code == 403
    assert Variant.objects.get(sku="Amber-1", price=1000)


@pytest.mark.parametrize("role", Membership.Role.values)
def test_each_role_has_the_pages_of_its_lists(sides, role):
    office, catalogue, orders = Office(sides[0], role), {"owner", "catalogue"}, {"owner", "orders"}
    seen = 0
    for model, each in admin.site._registry.items():
        if isinstance(each, SheetPagesMixin):
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
            may = role in (orders if model._meta.app_label == "orders" else catalogue)
            pages = ["export"] if model._meta.app_label == "orders" else ["export", "import"]
            for page in pages:
                answer = office.get(reverse(f"{name}_{page}"))
                assert answer.status_code == (200 if may else 403)
                assert "Basalt" not in answer.content.decode()
                if may:
                    assert (
                        f'href="{reverse(f"{name}_{page}")}"'
                        in office.get(reverse(f"{name}_changelist")).content.decode()
                    )
                seen += 1
    assert seen == 5


def test_the_malls_staff_choose_the_shop(sides, elsewhere):
    boss = Office(sides[0], user=User.objects.create_superuser("boss@example.org"))
    job = boss.do_import(ROWS.replace("Amber", "Coral"), vendor=elsewhere.vendor.pk)
    assert (job.vendor, Variant.objects.get(sku="Coral-1").price) == (elsewhere.vendor, 1100)
    reader = User.objects.create_user("reader@example.org", is_staff=True)
    assert Office(sides[0], user=reader).get(reverse("admin:vendors_product_export")).status_code == 403
    assert Stock.objects.count() == 3
