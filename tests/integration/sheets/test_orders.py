"""The spreadsheet of orders: own consignments by line, of the days that were chosen."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from cart.orders.models import Consignment, Order, OrderLine
from tests.integration.sheets.conftest import Office


@pytest.fixture
def packer(sides):
    return Office(sides[0], "orders")


def rows(packer, **days) -> list[dict[str, str]]:
    content = packer.export(model="consignment", app="orders", form="csv", **days)
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_a_row_a_line_with_the_buyer_and_the_money(packer, sides):
    consignment = sides[0].rows[Consignment]
    Order.objects.filter(pk=consignment.order_id).update(name="=cmd|' /C calc'!A0", phone="+353 1 234", postcode="T12")
    OrderLine.objects.create(consignment=consignment, sku="2", name="Shade", quantity=3, unit_price=250, cancelled=1)
    first, second = rows(packer)
    assert (first["Consignment"], first["State"], first["SKU"]) == ("M-Amber-1", "to be packed", "1")
    assert (first["Buyer"], first["Phone"], first["E-mail"]) == (
        "'=cmd|' /C calc'!A0", "'+353 1 234", "buyer@amber.example",
    )  # fmt: skip
    assert (first["Address"], first["Postcode"], first["Town"], first["Country"]) == ("1 Quay", "T12", "Cork", "IE")
    assert [second[name] for name in ("Goods", "Quantity", "Cancelled", "Price", "Line total", "Currency")] == [
        "Shade", "3", "1", "2.50", "7.50", "EUR",
    ]  # fmt: skip
    assert first["Ordered"] == f"{timezone.localtime(consignment.placed_at):%Y-%m-%d %H:%M:%S}"


def test_days_are_those_of_the_mall_and_drafts_are_left_out(packer, sides):
    consignment = sides[0].rows[Consignment]
    edge = timezone.localtime().replace(year=2026, month=7, day=1, hour=0, minute=0, second=0, microsecond=0)
    for placed, found in ((edge, 1), (edge - timedelta(seconds=1), 0), (edge + timedelta(days=1), 0), (None, 0)):
        state = "open" if placed else "draft"
        Consignment.objects.filter(pk=consignment.pk).update(placed_at=placed, state=state)
        assert len(rows(packer, since="2026-07-01", until="2026-07-01")) == found, placed
    with pytest.raises(AssertionError, match="This day is before the first"):
        rows(packer, since="2026-07-02", until="2026-07-01")
