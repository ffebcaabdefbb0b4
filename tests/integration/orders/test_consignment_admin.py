"""The packing table: vendor staff pack and send their own consignments, and nobody overwrites a colleague."""

import re

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from cart.orders.models import Consignment, Order
from tests.support.html import form_data
from tests.support.two_vendors import MASTER, make_marketplace, make_side

State = Consignment.State
QUEUE = "admin:orders_consignment_changelist"


@pytest.fixture
def sides(db):
    marketplace = make_marketplace()
    return make_side("Amber", marketplace), make_side("Basalt", marketplace)


@pytest.fixture
def packer(sides):
    client = Client(headers={"host": MASTER})
    client.force_login(sides[0].staff["orders"])
    return client


def act(client, action, *consignments):
    """Choose consignments on the list of all, as it is shown, and run an action."""
    shown = form_data(client.get(reverse(QUEUE), {"queue": "all"}))["shown"]
    data = {"action": action, "index": 0, "shown": shown, "_selected_action": [each.pk for each in consignments]}
    return client.post(reverse(QUEUE), data, follow=True).content.decode()


def page_of(consignment):
    return reverse("admin:orders_consignment_change", args=[consignment.pk])


def form_of(client, consignment) -> dict[str, str]:
    page = client.get(page_of(consignment)).content.decode()
    inputs = re.findall(r'<input type="(?:hidden|text)" name="([^"]+)"(?: value="([^"]*)")?', page)
    return {name: value for name, value in inputs if name != "csrfmiddlewaretoken"} | {"new_state": ""}


def state(consignment) -> str:
    consignment.refresh_from_db()
    return consignment.state


def test_packed_then_sent_with_a_tracking_number(sides, packer):
    consignment = sides[0].rows[Consignment]
    assert "Mark as packed: 1 consignment. 1 of 1 done." in act(packer, "pack_consignments", consignment)
    assert state(consignment) == State.PACKED
    form = form_of(packer, consignment) | {"carrier": "An Post", "tracking_number": "AP123", "new_state": "sent"}
    assert packer.post(page_of(consignment), form).status_code == 302
    assert state(consignment) == State.SENT
    assert (consignment.carrier, consignment.tracking_number) == ("An Post", "AP123")
    assert consignment.sent_at is not None


def test_action_refuses_a_row_that_moved_on(sides, packer):
    consignment = sides[0].rows[Consignment]
    Consignment.objects.update(state=State.CANCELLED)
    page = act(packer, "send_consignments", consignment)
    assert "1 × It is cancelled; it cannot become on its way." in page
    assert state(consignment) == State.CANCELLED


def test_page_that_is_stale_saves_nothing(sides, packer):
    consignment = sides[0].rows[Consignment]
    form = form_of(packer, consignment) | {"tracking_number": "MINE", "new_state": "sent"}
    Consignment.objects.filter(pk=consignment.pk).update(tracking_number="COLLEAGUE")
    answer = packer.post(page_of(consignment), form)
    assert answer.status_code == 200
    assert "changed while this page was open" in answer.content.decode()
    assert state(consignment) == State.OPEN
    assert consignment.tracking_number == "COLLEAGUE"


def test_page_from_before_a_colleague_packed_saves_nothing(sides, packer):
    consignment = sides[0].rows[Consignment]
    form = form_of(packer, consignment) | {"tracking_number": "MINE"}
    Consignment.objects.filter(pk=consignment.pk).update(state=State.PACKED)
    answer = packer.post(page_of(consignment), form)
    assert "was open, and is packed now" in answer.content.decode()
    assert state(consignment) == State.PACKED
    assert consignment.tracking_number == ""


def test_other_vendors_consignment_is_out_of_reach(sides, packer):
    theirs = sides[1].rows[Consignment]
    act(packer, "send_consignments", theirs)
    packer.post(page_of(theirs), {"tracking_number": "X", "new_state": "sent"})
    assert state(theirs) == State.OPEN


@pytest.mark.parametrize("role", ["catalogue", "support"])
def test_other_roles_see_no_consignments(sides, role):
    client = Client(headers={"host": MASTER})
    client.force_login(sides[0].staff[role])
    assert client.get(reverse(QUEUE)).status_code == 403


def test_draft_that_nobody_paid_is_not_shown(sides, packer):
    Consignment.objects.update(placed_at=None, state="draft")
    Order.objects.update(placed_at=None, state="draft")
    assert sides[0].rows[Consignment].number not in packer.get(reverse(QUEUE)).content.decode()


def test_orders_are_for_the_malls_staff_and_cannot_be_changed(sides, packer):
    order = sides[0].rows[Consignment].order
    page = reverse("admin:orders_order_change", args=[order.pk])
    assert packer.get(page).status_code == 403
    mall = Client(headers={"host": MASTER})
    mall.force_login(get_user_model().objects.create_superuser("mall@example.org", "secret"))
    assert order.number in mall.get(page).content.decode()
    assert mall.get(reverse("admin:orders_order_changelist")).status_code == 200
    assert mall.post(page, {"email": "x@example.org"}).status_code == 403
    assert mall.get(reverse("admin:cart_cart_changelist")).status_code == 200
