"""Packing slips: a few as a page, many as a PDF by a job; own ones only; any letters."""

from io import BytesIO

import pytest
from django.urls import reverse
from fontTools.ttLib import TTFont

from cart.orders import slips
from cart.orders.models import Consignment, Order, OrderLine
from tests.support.consignments import make_consignments
from vendors.jobs import running
from vendors.jobs.models import Job

PAGE, PDF = "admin:orders_consignment_slips", "admin:orders_consignment_slips_pdf"
NAMES = {
    "Siobhán Ní Dhúill": None,
    "Γιώργος Ґудзь Łukasz": None,
    "محمد الأحمد": "arabic",
    "שרה כהן": "hebrew",
    "अनिल शर्मा": "devanagari",
    "สมชาย ใจดี": "thai",
    "山田太郎 王小明 김철수": "cjk",
}


def pages(content) -> int:
    return content.count(b"/Type /Page\n")


def test_a_few_are_a_page_and_marked_as_printed(sides, open_desk):
    row = sides[0].rows[Consignment]
    OrderLine.objects.filter(consignment=row).update(quantity=3, cancelled=1)
    response = open_desk().act("print_slips", row)
    assert response.request["PATH_INFO"] == reverse(PAGE)
    for part in (row.number, "Amber buyer", "1 Quay", "2 ×", "Amber lamp", "2 pieces in this parcel"):
        assert part in response.text
    assert "10.00" not in response.text, "a parcel may be a present"
    row.refresh_from_db()
    assert row.printed_at is not None


def test_another_vendors_slip_is_not_shown(sides, packer):
    mine, theirs = (side.rows[Consignment] for side in sides)
    for page in (PAGE, PDF):
        assert packer.get(reverse(page), {"pk": theirs.pk}).status_code == 404
    both = packer.get(reverse(PAGE), {"pk": [mine.pk, theirs.pk]})
    assert "Basalt" not in both.text
    assert pages(packer.get(reverse(PDF), {"pk": [mine.pk, theirs.pk]}).content) == 1


@pytest.mark.parametrize("typed", ["", "x", "-1", "9" * 30, "%00", "1,2"])
def test_a_crafted_number_is_not_found(packer, typed):
    assert packer.get(reverse(PAGE), {"pk": typed}).status_code == 404


def test_many_are_a_file_made_by_a_job(sides, open_desk):
    rows = make_consignments(sides[0].vendor, 120)
    desk = open_desk()
    desk.act("print_slips", everything=True)
    running.run_due_jobs()
    job = Job.objects.get()
    assert (job.state, job.summary) == (Job.State.FINISHED, "121 slips are in the file.")
    file = desk.client.get(reverse("admin:jobs_job_file", args=[job.pk]))
    assert file.headers["Content-Type"] == "application/pdf"
    assert file.content.startswith(b"%PDF")
    assert pages(file.content) == 121
    assert not Consignment.objects.filter(pk__in=[row.pk for row in rows], printed_at=None).exists()


@pytest.mark.parametrize(("name", "font"), NAMES.items())
def test_every_letter_of_a_name_has_a_glyph(sides, packer, name, font):
    Order.objects.update(name=name)
    content = packer.get(reverse(PDF), {"pk": sides[0].rows[Consignment].pk}).content
    assert pages(content) == 1
    paths = [slips.font_path(*slips.SANS), *([slips.font_path(*slips.OTHERS[font][1:])] if font else [])]
    known = set().union(*(TTFont(BytesIO(path.read_bytes())).getBestCmap() for path in paths))
    assert {letter for letter in name if ord(letter) not in known} == set()
    assert font is None or slips.OTHERS[font][0]
