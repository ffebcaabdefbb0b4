"""The front page of the back office: each tile leads to the rows that it counts, and the takings are what was taken."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart.aftersale.models import Return
from cart.checkout.payments.manual.models import BackTransfer, Transfer
from cart.letters.models import Letter
from cart.orders.models import Consignment, Order, Payment, Refund, RefundPart
from mall.accounts.models import User
from mall.admin_site.takings import takings
from mall.admin_site.tiles import MALL_TASKS, VENDOR_TASKS
from sessions_farm.communities.models import Community
from shipping.models import Dispatch
from tests.support.consignments import PROMISED
from tests.support.two_vendors import MASTER, make_marketplace, make_side
from vendors.models import Marketplace, Stock, Vendor
from vendors.money import Money

TILE = re.compile(
    r'<a\s+class="tile[^"]*"\s+href="([^"]+)"\s*>\s*<span class="tile__figure">(\d+)</span>\s*'
    r'<span class="tile__label">([^<]+)</span>'
)
NOW = timezone.now()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)  # the sides' own orders are of today, which may be any of the days below


@pytest.fixture
def sides(db):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


@pytest.fixture
def busy(sides):
    """Rows of every kind that waits, and one of each that does not."""
    for side, number in ((sides[0], 2), (sides[1], 1)):
        for nth in range(number):
            for state in ("open", "packed", "sent"):
                add_order(side, f"{side.mark}{nth}{state}", state, NOW - timedelta(days=nth * 5))
    Return.objects.filter(consignment__vendor=sides[0].vendor).update(state="asked")
    Dispatch.objects.filter(consignment__vendor=sides[0].vendor).update(state="dead", next_at=None)
    Stock.objects.filter(variant__product__vendor=sides[0].vendor).update(low_below=9)
    order = Order.objects.first()
    Letter.objects.create(order=order, kind="placed", due_at=None, problem="no such mailbox")
    Letter.objects.create(order=order, kind="refunded", problem="busy")
    payment = Payment.objects.create(order=order, gateway="sandbox", reference="a", amount=900, currency="EUR")
    Refund.objects.create(payment=payment, key="due", amount=100, why="late")
    transfer = Transfer.objects.create(reference="t", purpose=order.number, amount=900, currency="EUR")
    BackTransfer.objects.create(transfer=transfer, key="b", amount=100)
    Vendor.objects.create(marketplace=sides[0].vendor.marketplace, name="Cobalt", slug="cobalt", status="asked")
    return sides


def add_order(side, number, state="open", placed_at=NOW, total=1000, **fields) -> Consignment:
    fields = {"currency": "EUR", "state": "placed", "marketplace": side.vendor.marketplace} | fields
    order = Order.objects.create(
        number=number, name="Anna", line1="1 Quay", town="Cork", email="anna@example.org", idempotency_key=number,
        goods_total=total, total=total, placed_at=placed_at, **fields,
    )  # fmt: skip
    return Consignment.objects.create(
        order=order, vendor=side.vendor, number=f"{number}-1", state=state, goods_total=total, placed_at=placed_at,
        send_by=placed_at and placed_at + PROMISED,
    )  # fmt: skip


def client_of(user) -> Client:
    client = Client(headers={"host": MASTER})
    client.force_login(user)
    return client


def tiles_on(client):
    page = client.get("/admin/").text
    return {label.strip(): (href.replace("&amp;", "&"), int(count)) for href, count, label in TILE.findall(page)}


@pytest.mark.parametrize("role", ["owner", "orders", "catalogue", "superuser", "operator", "finance", "support"])
def test_each_tile_counts_exactly_the_rows_at_its_link(busy, role):
    user = busy[0].staff.get(role) if role != "support" else None
    if user is None:
        is_super = role == "superuser"
        user = User.objects.create_user(
            "x@mall.example", is_staff=True, is_superuser=is_super, mall_role="" if is_super else role
        )
    client = client_of(user)
    tiles = tiles_on(client)
    assert tiles
    for label, (href, count) in tiles.items():
        rows = client.get(href).context["cl"].result_count
        assert rows == count, label


def test_owner_sees_what_waits_of_their_own(busy):
    counts = {label: count for label, (_, count) in tiles_on(client_of(busy[0].staff["owner"])).items()}
    assert counts == {
        "orders to pack": 3, "orders late": 2, "orders packed, to send": 2, "return asked for": 1,
        "dispatch failed": 1, "variant runs low": 1,
    }  # fmt: skip


def test_mall_sees_what_waits_of_all(busy):
    boss = User.objects.create_superuser("boss@mall.example")
    counts = {label: count for label, (_, count) in tiles_on(client_of(boss)).items()}
    assert counts == {
        "vendor waits for approval": 1, "orders late": 2, "dispatch failed": 1, "letter not taken": 1,
        "refund to be made": 1, "bank transfer awaited": 1, "amount to transfer back": 1, "returns asked for": 2,
        "reviews to read": 2, "reviews reported": 0,
    }  # fmt: skip


@pytest.mark.parametrize("who", ["owner", "boss"])
def test_front_page_asks_at_most_ten_queries(busy, who, django_assert_max_num_queries):
    user = User.objects.create_superuser("boss@mall.example") if who == "boss" else busy[0].staff["owner"]
    client = client_of(user)
    client.get("/admin/")
    with django_assert_max_num_queries(10):
        client.get("/admin/")


def give_back(consignment, amount):
    payment = Payment.objects.create(
        order=consignment.order, gateway="sandbox", reference=consignment.number, amount=consignment.total,
        currency=consignment.order.currency, state="captured", refund_total=amount,
    )  # fmt: skip
    refund = Refund.objects.create(payment=payment, key=consignment.number, amount=amount, why="back")
    RefundPart.objects.create(refund=refund, consignment=consignment, amount=amount)


def of(vendor, now=NOW):
    return {str(each.total.currency): each for each in takings({"vendor": vendor}, now)}


def test_cancelled_and_refunded_goods_are_no_takings_in_each_currency(sides):
    ours = sides[0]
    partly = add_order(ours, "partly", total=5000)
    give_back(partly, 1500)
    gone = add_order(ours, "gone", "cancelled", total=3000)
    gone.order.state = Order.State.CANCELLED
    gone.order.save()
    add_order(ours, "unpaid", "draft", total=9000, placed_at=None)
    Order.objects.filter(number="unpaid").update(state="draft")
    other = Marketplace.objects.create(
        community=Community.objects.create(slug="quay", name="Quay", cookie_name="quay"), currency="GBP"
    )
    add_order(ours, "pounds", total=2000, currency="GBP", marketplace=other)

    found = of(ours.vendor, timezone.now())

    # The side's own order is of 10.00.
    assert {currency: each.total.minor for currency, each in found.items()} == {"EUR": 1000 + 3500, "GBP": 2000}
    page = client_of(ours.staff["owner"]).get("/admin/").text
    assert "€45.00" in page
    assert "£20.00" in page
    assert page.count('role="img"') == 2


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 7, 1, 22, 59, tzinfo=UTC), 1),  # 23:59 in Dublin
        (datetime(2026, 7, 1, 23, 1, tzinfo=UTC), 2),  # 00:01 of the next day, though it is the first in UTC
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), 25),  # 00:30 of the day on which the clock changes
        (datetime(2026, 10, 25, 23, 30, tzinfo=UTC), 25),  # 23:30 of that day, which has 25 hours
        (datetime(2026, 10, 26, 0, 30, tzinfo=UTC), 26),
        (datetime(2026, 3, 29, 22, 59, tzinfo=UTC), 29),  # the day of 23 hours
        (datetime(2026, 3, 29, 23, 1, tzinfo=UTC), 30),
    ],
)
def test_day_begins_at_midnight_where_the_mall_is(sides, moment, day):
    vendor = sides[1].vendor
    Consignment.objects.update(placed_at=LONG_AGO)
    add_order(sides[1], "border", placed_at=moment, total=777)
    bars = of(vendor, moment + timedelta(days=3))["EUR"].bars
    assert [bar.day.day for bar in bars if bar.takings.minor == 777] == [day]


def test_first_day_of_the_thirty_is_whole(sides):
    now = datetime(2026, 11, 10, 12, tzinfo=UTC)  # the clock changed within
    first = datetime(2026, 10, 11, 23, 1, tzinfo=UTC)  # 00:01 on the 12th, the first of 30 days
    before = datetime(2026, 10, 11, 22, 59, tzinfo=UTC)
    Consignment.objects.update(placed_at=LONG_AGO)
    add_order(sides[0], "in", placed_at=first, total=100)
    add_order(sides[0], "out", placed_at=before, total=50)
    found = of(sides[0].vendor, now)["EUR"]
    assert (found.total, found.before, found.bars[0].takings) == (
        Money(100, "EUR"), Money(50, "EUR"), Money(100, "EUR")
    )  # fmt: skip
    assert found.trend == "100 % more than in the 30 days before"


def test_rows_of_tiles_are_those_of_the_lists_own_filters(sides):
    """A query that is no filter of the list would count what the link does not show."""
    boss = client_of(User.objects.create_superuser("boss@mall.example"))
    for task in {*MALL_TASKS, *VENDOR_TASKS}:
        app, name = task.model.split(".")
        page = boss.get(reverse(f"admin:{app}_{name}_changelist"), dict([task.query.split("=")]))
        assert page.status_code == 200, task
        assert page.context["cl"].has_active_filters, task
