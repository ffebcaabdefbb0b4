"""The packing desk: queues by age with counts, an indexed search, steps forward and back, and times as people write."""

import math
import re
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart.aftersale.models import Return
from cart.letters import sending
from cart.letters.models import Letter
from cart.orders import packing, queues
from cart.orders.models import Consignment, Order, OrderLine
from tests.integration.orders.conftest import QUEUE, sign_in
from tests.support.consignments import make_consignments
from tests.support.html import flat, form_data
from tests.support.ratios import steadied

State = Consignment.State
MOST_SLOWER = 1.5  # p95 of a large vendor's list to that of a small one


def numbers(page) -> list[str]:
    return re.findall(r'field-number"><a[^>]*>([^<]+)', page.text)


def page_of(consignment) -> str:
    return reverse("admin:orders_consignment_change", args=[consignment.pk])


def press(client, consignment, button, **changes):
    data = form_data(client.get(page_of(consignment))) | {"new_state": button} | changes
    return client.post(page_of(consignment), data, follow=True)


def state(consignment) -> str:
    consignment.refresh_from_db()
    return consignment.state


# Queues


def test_the_desk_opens_at_what_is_to_pack_the_oldest_first(sides, packer):
    make_consignments(sides[0].vendor, 2, "SENT", state=State.SENT)
    rows = make_consignments(sides[0].vendor, 3)
    make_consignments(sides[1].vendor, 2, "THEIRS")
    assert numbers(packer.get(reverse(QUEUE))) == [*(row.number for row in rows), "M-Amber-1"]


def test_each_queue_has_its_rows_and_says_how_many(sides, packer):
    now, vendor = timezone.now(), sides[0].vendor
    make_consignments(vendor, 2, "OLD", now=now - timedelta(days=3))
    make_consignments(vendor, 1, "PRINTED", printed_at=now)
    make_consignments(vendor, 3, "PACKED", state=State.PACKED)
    make_consignments(vendor, 1, "SENT", state=State.SENT)
    make_consignments(vendor, 1, "GONE", state=State.CANCELLED)
    make_consignments(sides[1].vendor, 4, "THEIRS")
    expected = {"to_pack": 4, "to_print": 3, "packed": 3, "late": 2, "sent": 1, "cancelled": 1, "all": 9}
    text = flat(packer.get(reverse(QUEUE)))
    for name, number in expected.items():
        assert len(numbers(packer.get(reverse(QUEUE), {"queue": name}))) == number
        if name != "all":
            assert f'{queues.QUEUES[name].label}<span class="desk-queues__count">{number}</span>' in text


def test_a_long_queue_is_counted_up_to_a_limit(sides, packer, monkeypatch):
    monkeypatch.setattr(queues, "MOST_COUNTED", 3)
    make_consignments(sides[0].vendor, 5)
    assert '<span class="desk-queues__count">3+</span>' in flat(packer.get(reverse(QUEUE)))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("x-000001", "X-000001-1"),
        ("X-000001-1", "X-000001-1"),
        ("buyer2@x.", "X-000002-1"),
        ("Seán", "X-000001-1"),
        ("briain se", "X-000001-1"),
        ("Ґудзь", "X-000002-1"),
        ("山田", "X-000003-1"),
        ("x-sku-3", "X-000003-1"),
        ("CE12", "X-000004-1"),
    ],
)
def test_search_finds_by_number_mail_name_sku_and_tracking_number(sides, packer, typed, found):
    rows = make_consignments(sides[0].vendor, 5)
    make_consignments(sides[1].vendor, 5, "Y")
    Consignment.objects.filter(pk=rows[4].pk).update(tracking_number="CE123IE", state=State.SENT)
    assert numbers(packer.get(reverse(QUEUE), {"q": typed})) == [found]


@pytest.mark.parametrize("typed", ["Murphy", "nobody", "%", "_", "'", "a & b | c !", "\\", ":*", "山", "()"])
def test_any_search_answers_with_own_rows_only(sides, packer, typed):
    make_consignments(sides[1].vendor, 5, "Y")
    page = packer.get(reverse(QUEUE), {"q": typed})
    assert page.status_code == 200
    assert numbers(page) == []


# Steps


def test_a_consignment_goes_its_way_by_buttons_and_back(sides, packer):
    row = sides[0].rows[Consignment]
    press(packer, row, "packed")
    assert (state(row), row.packed_at is None) == (State.PACKED, False)
    press(packer, row, "open")
    assert (state(row), row.packed_at) == (State.OPEN, None)
    press(packer, row, "sent", tracking_number="CE1", carrier="An Post")
    assert (state(row), row.tracking_number, row.sent_at is None) == (State.SENT, "CE1", False)
    page = packer.get(page_of(row)).text
    assert "Undo: not sent" in page
    assert "it can be undone until then" in page
    press(packer, row, "packed")
    assert (state(row), row.sent_at) == (State.PACKED, None)
    assert not Letter.objects.exists()


def test_sending_is_not_undone_once_the_letter_is_on_its_way(sides, packer):
    row = sides[0].rows[Consignment]
    press(packer, row, "sent")
    form = form_data(packer.get(page_of(row)))
    later = timezone.now() - packing.UNDO_PERIOD
    Consignment.objects.filter(pk=row.pk).update(sent_at=later)
    assert "Undo: not sent" not in packer.get(page_of(row)).text
    answer = packer.post(page_of(row), form | {"new_state": "packed"})
    assert packing.TOO_LATE in answer.text
    assert state(row) == State.SENT


def test_sending_is_not_undone_when_goods_come_back(sides, packer):
    row = sides[0].rows[Consignment]
    press(packer, row, "sent")
    OrderLine.objects.filter(consignment=row).update(returned=1)
    assert packing.COMES_BACK.replace("’", "&#x27;") in packer.get(page_of(row)).text
    assert state(row) == State.SENT


def test_the_buyer_gets_one_letter_with_the_tracking_number_when_it_is_too_late_to_undo(sides, packer, mailoutbox):
    row = sides[0].rows[Consignment]
    now = timezone.now()
    press(packer, row, "sent")
    press(packer, row, "packed")
    press(packer, row, "sent", tracking_number="CE123IE", carrier="An Post")
    sending.send_due_letters()
    assert mailoutbox == []
    with time_machine.travel(now + packing.UNDO_PERIOD + timedelta(minutes=2), tick=True):
        sending.send_due_letters()
        sending.send_due_letters()
    (letter,) = mailoutbox
    assert letter.to == [row.order.email]
    for part in (row.number, "CE123IE", "An Post", "1 × Amber lamp"):
        assert part in letter.body


def test_more_letters_than_a_batch_go_out_in_one_sweep(sides, mailoutbox, monkeypatch):
    monkeypatch.setattr(sending, "BATCH", 2)
    rows = make_consignments(sides[0].vendor, 5)
    past = timezone.now() - timedelta(hours=1)
    packing.move_consignments(seen={row.pk: State.OPEN for row in rows}, to=State.SENT, now=past)
    assert sending.send_due_letters() == 5
    assert len(mailoutbox) == 5


# The page


def test_the_page_has_contact_note_and_times_in_the_malls_zone(sides, packer):
    row = sides[0].rows[Consignment]
    Order.objects.update(phone="+353 1 234")
    Consignment.objects.update(placed_at=datetime(2026, 7, 27, 18, 42, tzinfo=UTC))
    text = packer.get(page_of(row)).text
    assert "Mon 27 Jul 2026, 19:42" in text
    assert "+00:00" not in text
    assert f'href="mailto:{row.order.email}?subject=Parcel M-Amber-1"' in text
    assert 'href="tel:+353 1 234"' in text
    press(packer, row, "", note="Left at the back door")
    row.refresh_from_db()
    assert row.note == "Left at the back door"


def test_from_the_desk_one_clicks_to_returns_slips_tracking_and_refunds(sides, packer):
    row, asked = sides[0].rows[Consignment], sides[0].rows[Return]
    desk = packer.get(reverse(QUEUE)).text
    returns = f"{reverse('admin:aftersale_return_changelist')}?state__exact=asked"
    assert returns in desk
    assert str(asked.consignment) in packer.get(returns).text
    assert reverse("admin:orders_consignment_tracking") in desk
    page = packer.get(page_of(row)).text
    assert f"{reverse('admin:orders_consignment_slips')}?pk={row.pk}" in page
    assert reverse("admin:aftersale_consignment", args=[row.pk]) in page


# Size


def test_lists_are_as_quick_with_many_orders(sides, scale):
    """At SCALE=10, a vendor of 100,000 orders beside one of 1,000: 12 statements at most, p95 at most 1.5 times."""
    clients = [sign_in(side.staff["orders"]) for side in sides]
    past = timezone.now() - timedelta(days=10)
    for side, mark, sent in ((sides[0], "SMALL", 70), (sides[1], "LARGE", 9_970)):
        make_consignments(side.vendor, 30 * scale, f"{mark}-OPEN")
        make_consignments(side.vendor, sent * scale // (1 if scale >= 10 else 10), mark, now=past, state=State.SENT)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def compare():
        slower = {}
        for name, query in PAGES.items():
            few, many, statements = time_of(clients, query, repeats=2 * scale)
            assert statements <= 12
            slower[name] = round(many / few, 2)
        return slower

    slower = steadied(compare, MOST_SLOWER if scale >= 10 else math.inf)
    if scale >= 10:
        assert max(slower.values()) <= MOST_SLOWER, slower


PAGES = {
    "to pack": {},
    "packed": {"queue": "packed"},
    "late": {"queue": "late"},
    "sent": {"queue": "sent"},
    "number": {"q": "{}-OPEN-000023"},
    "mail": {"q": "buyer23@{}-open"},
    "name": {"q": "Murphy"},
    "SKU": {"q": "{}-OPEN-SKU-7"},
}


def time_of(clients, query, repeats):
    """Return the p95 for each of two vendors, asked in turn, and the statements of a page."""
    asked = [{name: value.format(mark) for name, value in query.items()} for mark in ("SMALL", "LARGE")]
    clients[1].get(reverse(QUEUE), asked[1])  # what a process reads once
    with CaptureQueriesContext(connection) as queries:
        clients[1].get(reverse(QUEUE), asked[1])
    statements, took = len(queries), ([], [])
    for _ in range(repeats):
        for client, words, times in zip(clients, asked, took, strict=True):
            began = time.perf_counter()
            assert client.get(reverse(QUEUE), words).status_code == 200
            times.append(time.perf_counter() - began)
    few, many = (sorted(times)[int(repeats * 0.95) - 1] for times in took)
    return few, many, statements
