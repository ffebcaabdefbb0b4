"""Tracking numbers: scanned or typed one by one, or pasted as a list that is shown before it is applied."""

import pytest
from django.urls import reverse

from cart.orders import tracking
from cart.orders.models import Consignment
from tests.support.consignments import make_consignments
from tests.support.html import flat
from vendors.jobs import running
from vendors.jobs.models import Job

State = Consignment.State
PAGE = "/admin/orders/consignment/tracking/"


def scan(client, number, tracking_number="", carrier=""):
    data = {"number": number, "tracking_number": tracking_number, "carrier": carrier}
    return client.post(PAGE, data, follow=True)


def preview(client, text):
    return client.post(PAGE, {"rows": text, "button": "preview"})


def apply(client, page):
    return client.post(PAGE, {"token": page.context["token"], "button": "apply"}, follow=True)


def sent(row) -> tuple[str, str, str]:
    row.refresh_from_db()
    return row.state, row.tracking_number, row.carrier


def test_a_scanner_gives_the_parcel_then_its_tracking_number(sides, packer):
    row = sides[0].rows[Consignment]
    page = scan(packer, "m-amber-1".upper().replace("AMBER", "Amber"))
    assert "None of your parcels" in page.text, "numbers are in capitals; this one is of a test"
    Consignment.objects.filter(pk=row.pk).update(number="MA-1")
    page = scan(packer, "ma-1")
    assert "Amber buyer" in page.text
    assert "1 × Amber lamp" in flat(page)
    page = scan(packer, "ma-1", "CE1", "An Post")
    assert "MA-1 is sent as CE1." in page.text
    assert 'value="An Post"' in page.text, "the carrier is kept for the next"
    assert sent(row) == (State.SENT, "CE1", "An Post")


def test_a_refused_scan_says_why(sides, packer):
    (row,) = make_consignments(sides[0].vendor, 1)
    (theirs,) = make_consignments(sides[1].vendor, 1, "Y")
    for number, why in ((theirs.number, "None of your parcels"), ("", "This field is required")):
        assert why in scan(packer, number, "CE1").text
    scan(packer, row.number, "CE1")
    assert "X-000000-1 was sent already, as CE1." in scan(packer, row.number, "CE2").text
    Consignment.objects.filter(pk=row.pk).update(state=State.CANCELLED)
    assert "X-000000-1 is cancelled." in scan(packer, row.number, "CE2").text
    assert sent(theirs)[:2] == (State.OPEN, "")


def test_a_list_is_shown_with_its_errors_then_applied(sides, packer):
    rows = make_consignments(sides[0].vendor, 4)
    (theirs,) = make_consignments(sides[1].vendor, 1, "Y")
    Consignment.objects.filter(pk=rows[3].pk).update(state=State.CANCELLED)
    text = (
        "\ufeffnumber;tracking;carrier\n"
        f"{rows[0].number};CE1;An Post\n"
        f"{rows[1].number.lower()}\tCE2\n"
        f"{rows[2].number};\n"
        f"{rows[0].number};CE9\n"
        f"\n{rows[3].number},CE3\n"
        f"{theirs.number};CE4\n"
        f"{rows[2].number};CE5;DPD;more\n"
    )
    page = preview(packer, text)
    assert "2 of 7 rows can be sent" in page.text
    table = flat(page).replace("&#x27;", "'")
    for place, why in (
        (4, "It has no tracking number."), (5, "Row 2 has the same number."), (7, "X-000003-1 is cancelled."),
        (8, "None of your parcels has the number 'Y-000000-1'."), (9, "It has 4 fields; number;tracking;carrier."),
    ):  # fmt: skip
        assert f"<td>{place}</td>" in table
        assert why in table
    assert sent(rows[0])[0] == State.OPEN, "it was only shown"
    assert "Send with tracking numbers: 2 consignments. 2 of 2 done." in apply(packer, page).text
    assert [sent(row) for row in rows[:2]] == [(State.SENT, "CE1", "An Post"), (State.SENT, "CE2", "")]
    assert sent(theirs)[0] == State.OPEN


def test_a_list_is_applied_only_from_the_states_that_it_showed(sides, packer):
    (row,) = make_consignments(sides[0].vendor, 1)
    page = preview(packer, f"{row.number};CE1")
    Consignment.objects.filter(pk=row.pk).update(state=State.PACKED)
    assert "It was to be packed, and is packed by now." in apply(packer, page).text
    assert sent(row) == (State.PACKED, "", "")


def test_a_long_list_is_applied_by_a_job(sides, packer):
    rows = make_consignments(sides[0].vendor, 150)
    page = preview(packer, "\n".join(f"{row.number};T{row.pk};DPD" for row in rows))
    apply(packer, page)
    job = Job.objects.get()
    assert job.is_open
    running.run_due_jobs()
    job.refresh_from_db()
    assert (job.done, job.refused) == (150, 0)
    assert sent(rows[77]) == (State.SENT, f"T{rows[77].pk}", "DPD")


def test_a_list_of_another_page_is_refused(packer):
    page = packer.post(PAGE, {"token": "forged", "button": "apply"}, follow=True)
    assert "does not say what it showed" in page.text


@pytest.mark.parametrize("role", ["catalogue", "support"])
def test_the_page_is_for_those_who_send(sides, client, role):
    client.force_login(sides[0].staff[role])
    assert client.get(PAGE, headers={"host": "mall.localhost"}).status_code == 403


def test_an_empty_list_is_refused_in_words(packer):
    assert "The list has 0 rows" in preview(packer, "number;tracking").text
    assert tracking.read_rows("") == []


def test_page_is_at_its_address():
    assert reverse("admin:orders_consignment_tracking") == PAGE
