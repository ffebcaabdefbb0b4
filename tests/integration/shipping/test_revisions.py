"""A change or a cancellation after the order: never sent where nothing was, else a revision of its own."""

import email
import email.policy
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from cart.orders.models import Order, OrderLine
from cart.orders.signals import contact_changed, goods_cancelled
from shipping import ack_links, results, services, status
from shipping import claim as claims
from shipping.claim import Room
from shipping.models import Dispatch, Route
from shipping.results import Finished
from shipping.runner import drain
from shipping.transports.base import SendResult, TransportError
from tests.integration.shipping.conftest import order_in
from tests.integration.shipping.test_delivery import way  # noqa: F401 -- the transports with their peers

NOW = timezone.now()


@pytest.fixture
def sale(vendor, place_order):
    return place_order(vendor)


@pytest.fixture
def due_sale(route_to, scripted, vendor, place_order):
    """An order with a route to a scripted server, not sent yet."""
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret})
    return place_order(vendor)


def cancel(order, pieces=2):
    """Cancel pieces of the order's one line, as the back office does."""
    consignment = order.consignments.get()
    with transaction.atomic():
        OrderLine.objects.filter(consignment=consignment).update(cancelled=pieces)
        goods_cancelled.send(sender=None, consignment=consignment, pieces={}, now=timezone.now())


def move(order, town="Cork"):
    """Change the order's address, as its page does."""
    with transaction.atomic():
        Order.objects.filter(pk=order.pk).update(town=town)
        contact_changed.send(sender=Order, order=order, is_postal=True, now=timezone.now())


def rows_of(order):
    return list(Dispatch.objects.filter(consignment__order=order).order_by("revision"))


def summary(order):
    return [(row.revision, row.action, row.state) for row in rows_of(order)]


# Before anything was sent


def test_consignment_cancelled_before_sending_never_ships(due_sale, scripted):
    cancel(due_sale)
    for day in range(9):
        drain(now=NOW + timedelta(days=day))
    assert scripted.requests == []
    assert summary(due_sale) == [(1, "ship", "cancelled")]
    assert [each.state for each in status.for_order(due_sale).values()] == ["cancelled"]


def test_address_changed_before_sending_ships_once_to_the_new_one(due_sale, scripted):
    scripted.answers = [scripted.ack()]
    move(due_sale)
    drain()
    (request,) = scripted.requests
    order = order_in(request[2])
    assert (order["action"], order["revision"], order["address"]["town"]) == ("ship", 2, "Cork")
    assert summary(due_sale) == [(1, "ship", "cancelled"), (2, "ship", "acked")]


# After it was leased


def test_department_hears_of_change_and_cancellation_over_the_same_route(http_department, vendor, route_to, sale):
    first = route_to("http", {"url": http_department.url}, {"secret": http_department.secret})
    drain()
    better = services.set_up_route(
        vendor=vendor,
        transport="http",
        config={"url": "http://127.0.0.1:1/"},
        secrets={"secret": http_department.secret},
        now=NOW,
        rank=0,
    )
    move(sale)
    assert drain() == {"acked": 1}
    cancel(sale)
    assert drain() == {"acked": 1}
    assert summary(sale) == [(1, "ship", "acked"), (2, "amend", "acked"), (3, "cancel", "acked")]
    assert {row.route for row in rows_of(sale)} == {first} != {better}
    assert http_department.rows("SELECT revision, state FROM consignments") == [(3, "cancelled")]
    assert http_department.rows("SELECT revision, state FROM jobs") == [(1, "taken back"), (2, "taken back")]
    assert [each.state for each in status.for_order(sale).values()] == ["cancelled"]


@pytest.mark.parametrize(
    "late", [SendResult(acked=True), SendResult(acked=False), TransportError("no", permanent=True)]
)
def test_change_while_it_is_being_sent(late, due_sale, scripted):
    """What comes of the send does not bring the old revision back; the new one goes."""
    (held,) = claims.claim(room=Room(9, 9), now=timezone.now(), owner="a")
    move(due_sale)
    assert results.record([Finished(held, late, NOW, NOW)], timezone.now()) == ["late"]
    assert summary(due_sale) == [(1, "ship", "cancelled"), (2, "amend", "ready")]
    scripted.answers = [scripted.ack()]
    for day in range(9):
        drain(now=NOW + timedelta(days=day))
    assert [order_in(content)["revision"] for _, _, content in scripted.requests] == [2]


@pytest.mark.parametrize("state", ["ready", "sent", "held", "dead"])
def test_old_revision_is_not_sent_again_once_it_was_leased(state, due_sale, scripted):
    Dispatch.objects.update(state=state, fence=3, next_at=NOW)
    cancel(due_sale)
    scripted.answers = [scripted.ack()]
    for day in range(9):
        drain(now=NOW + timedelta(days=day))
    assert [order_in(content)["action"] for _, _, content in scripted.requests] == ["cancel"]
    assert summary(due_sale) == [(1, "ship", "cancelled"), (2, "cancel", "acked")]


def test_revision_of_a_revision_that_was_never_leased_still_amends(due_sale, scripted):
    Dispatch.objects.update(state="sent", fence=1, next_at=NOW)
    move(due_sale, "Cork")
    move(due_sale, "Galway")
    cancel(due_sale)
    cancel(due_sale)
    move(due_sale)
    assert [(row.action, row.state) for row in rows_of(due_sale)] == [
        ("ship", "cancelled"),
        ("amend", "cancelled"),
        ("amend", "cancelled"),
        ("cancel", "ready"),
    ]


def test_change_that_rolls_back_writes_no_revision(due_sale, scripted):

    def fail():
        with transaction.atomic():
            move(due_sale)
            raise RuntimeError("it is packed already")

    with pytest.raises(RuntimeError):
        fail()
    assert summary(due_sale) == [(1, "ship", "ready")]


def test_body_of_a_revision_is_written_once_too(due_sale, scripted):
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        Dispatch.objects.update(action="cancel")


def test_mail_says_first_what_changed(mailbox_department, sale, route_to):
    route_to("email", mailbox_department.config)
    drain()
    move(sale)
    drain()
    cancel(sale)
    drain()
    mails = [email.message_from_bytes(content, policy=email.policy.default) for content in mailbox_department.messages]
    by_subject = {mail["Subject"].partition(":")[0].split(" ")[0]: mail for mail in mails}
    assert by_subject.keys() == {"Order", "CHANGED", "CANCELLED"}
    assert by_subject["CANCELLED"]["References"] == by_subject["CHANGED"]["Message-ID"]
    text = by_subject["CANCELLED"].get_body(("plain",)).get_content()
    assert text.startswith("CANCELLED: send nothing")
    assert "Sligo" not in text
    html = by_subject["CHANGED"].get_body(("html",)).get_content()
    assert "CHANGED: this replaces what you had" in html
    assert "Cork" in html


def test_page_of_a_replaced_revision_leads_to_the_newest_mail(due_sale, scripted, client):
    drain()
    (old,) = rows_of(due_sale)
    page = f"/ship/ack/{ack_links.make_token(old.key)}/"
    cancel(due_sale)
    host = {"host": "mall.localhost"}
    shown = client.get(page, headers=host).content.decode()
    assert "cancelled since" in shown
    assert "<button" not in shown.split("<article")[1].split("</article")[0]
    client.post(page, headers=host)
    assert not old.acks.exists()
    assert summary(due_sale) == [(1, "ship", "cancelled"), (2, "cancel", "ready")]
    shown = client.get(f"/ship/ack/{ack_links.make_token(rows_of(due_sale)[1].key)}/", headers=host).content.decode()
    assert "Cancelled: send nothing" in shown


# Every transport, from order to cancellation, each acknowledged on its own, and all of it sent a second time


def acknowledge(way, client, merge, books):  # noqa: F811
    """Let the department do its part; return what the merge tool said."""
    kind = way.route[0]
    if kind == "email":
        said = merge("--database", books, way.peer.maildir).stdout
        for row in Dispatch.objects.filter(state="sent"):
            client.post(f"/ship/ack/{ack_links.make_token(row.key)}/", headers={"host": "mall.localhost"})
        return said
    return merge("--database", books, "--done", way.peer.inbox).stdout if kind != "http" else ""


def test_from_order_to_cancellation_over_every_transport(way, vendor, route_to, place_order, merge, tmp_path, client):  # noqa: F811
    kind, config, secrets = way.route
    route_to(kind, config, secrets)
    books = way.peer.folder / "inbox" / "orders.sqlite" if kind == "http" else tmp_path / "books.sqlite"
    order = place_order(vendor)
    moment = timezone.now()
    for change in (None, move, cancel):
        if change:
            change(order)
        moment += timedelta(minutes=1)
        drain(now=moment)
        acknowledge(way, client, merge, books)
        drain(now=moment + timedelta(seconds=50))
    assert summary(order) == [(1, "ship", "acked"), (2, "amend", "acked"), (3, "cancel", "acked")]
    assert jobs_in(books) == [(1, "taken back"), (2, "taken back")]

    newest = rows_of(order)[-1]
    assert services.replay(dispatch_ids=[row.pk for row in rows_of(order)], now=moment) == {newest.pk}
    drain(now=moment + timedelta(minutes=2))
    newest.refresh_from_db()
    assert newest.state == "acked", "nobody is asked to acknowledge it again"
    acknowledge(way, client, merge, books)
    newest.refresh_from_db()
    assert (newest.state, newest.attempts.count()) == ("acked", 2)
    assert jobs_in(books) == [(1, "taken back"), (2, "taken back")], "the second delivery changes nothing"
    assert Route.objects.get().failures == 0


def jobs_in(books):
    with closing(sqlite3.connect(books)) as opened:
        return opened.execute("SELECT revision, state FROM jobs ORDER BY id").fetchall()
