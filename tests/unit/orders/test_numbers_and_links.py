import re
from uuid import uuid4

import pytest
from django.conf import settings

from cart.orders import links
from cart.orders.models import Consignment
from cart.orders.numbering import new_number
from cart.orders.states import TRANSITIONS, can_transition, predecessors


def test_number_can_be_read_out():
    assert all(re.fullmatch(r"M-[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{2}", new_number()) for _ in range(200))


def test_token_leads_back_to_its_order():
    order = uuid4()
    token = links.status_path(order, 3).rstrip("/").rpartition("/")[2]
    assert links.read_token(token) == links.OrderLink(order, 3, is_over=False)


def test_token_runs_out_and_is_forged_no_less_then(settings):
    settings.ORDER_LINK_DAYS = 0
    order = uuid4()
    token = links.status_path(order, 3).rstrip("/").rpartition("/")[2]
    assert links.read_token(token) == links.OrderLink(order, 3, is_over=True)
    assert links.read_token(token[:-1] + ("A" if token[-1] != "A" else "B")) is None


@pytest.mark.parametrize(
    "spoil",
    [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: ("1" if t[0] == "0" else "0") + t[1:], lambda _: ""],
)
def test_token_that_was_changed_is_refused(spoil):
    token = links.status_path(uuid4(), 0).rstrip("/").rpartition("/")[2]
    assert links.read_token(spoil(token)) is None


def test_token_signed_by_another_key_is_refused(settings):
    token = links.status_path(uuid4(), 0).rstrip("/").rpartition("/")[2]
    key, own = links._signer.key, settings.SECRET_KEY
    assert key == own
    links._signer.key = "another"
    try:
        assert links.read_token(token) is None
    finally:
        links._signer.key = key


def test_states_have_a_way_in_and_sent_goods_are_not_cancelled():
    assert set(TRANSITIONS) == set(Consignment.State)
    assert not can_transition(Consignment.State.SENT, Consignment.State.CANCELLED)
    assert set(predecessors(Consignment.State.SENT)) == {Consignment.State.OPEN, Consignment.State.PACKED}


def test_status_page_is_the_projects():
    assert settings.ORDER_STATUS_VIEW == "order_status"
