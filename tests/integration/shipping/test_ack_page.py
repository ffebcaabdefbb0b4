"""The tokened page: looking acknowledges nothing, a token opens one dispatch alone."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from shipping import ack_links
from shipping.runner import drain

HOST = {"host": "mall.localhost"}


@pytest.fixture
def shopfront():
    return Client(headers=HOST, enforce_csrf_checks=True)


def path_of(row):
    return ack_links.ack_url(row.key, row.consignment.vendor.marketplace.community_id).removeprefix(
        "http://mall.localhost:8000"
    )


def test_get_shows_and_post_acknowledges(shopfront, vendor, place_order, dispatch_of):
    row = dispatch_of(place_order(vendor, name="<b>Assam</b>"))
    page = shopfront.get(path_of(row))
    assert page.status_code == 200
    assert "&lt;b&gt;Assam" in page.content.decode()
    row.refresh_from_db()
    assert row.acked_at is None, "a link scanner that follows the link acknowledges nothing"
    assert shopfront.post(path_of(row)).status_code == 403, "nor does one that posts without the form"
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode()).group(1)
    answer = shopfront.post(path_of(row), {"csrfmiddlewaretoken": token}, follow=True)
    assert "Nothing else to do here" in answer.content.decode()
    row.refresh_from_db()
    assert (row.state, row.ack_by) == ("acked", "page")
    shopfront.post(path_of(row), {"csrfmiddlewaretoken": token})
    assert row.acks.count() == 1


def test_token_opens_its_own_dispatch_alone(make_vendor, place_order, dispatch_of, client):
    mine, theirs = make_vendor("mine"), make_vendor("theirs")
    my_row, their_row = dispatch_of(place_order(mine)), dispatch_of(place_order(theirs))
    client.post(path_of(my_row), headers=HOST)
    my_row.refresh_from_db()
    their_row.refresh_from_db()
    assert (my_row.state, their_row.state) == ("acked", "held")


@pytest.mark.parametrize("kind", ["cut", "changed", "other salt", "unsigned", "old"])
def test_forged_token_is_refused(kind, vendor, place_order, dispatch_of, client, time_machine):
    row = dispatch_of(place_order(vendor))
    good = ack_links.make_token(row.key)
    token = {
        "cut": good[:-1],
        "changed": ("A" if good[0] != "A" else "B") + good[1:],
        "other salt": signing.dumps(row.key, salt="password.reset"),
        "unsigned": row.key,
        "old": good,
    }[kind]
    if kind == "old":
        time_machine.move_to(timezone.now() + timedelta(seconds=ack_links.MAX_AGE + 60))
    path = f"/ship/ack/{token}/"
    assert client.get(path, headers=HOST).status_code == 404
    assert client.post(path, headers=HOST).status_code == 404
    row.refresh_from_db()
    assert row.acked_at is None


def test_mail_holds_the_link(mailbox_department, vendor, route_to, place_order, dispatch_of):
    route_to("email", mailbox_department.config)
    row = dispatch_of(place_order(vendor))
    drain()
    text = mailbox_department.messages[0].decode().replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")
    token = re.search(r"http://mall\.localhost:8000/ship/ack/([^/\s]+)/", text).group(1)
    assert ack_links.read_token(token) == row.key
