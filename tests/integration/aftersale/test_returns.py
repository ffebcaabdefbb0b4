"""Returns: asked for, accepted or refused with a reason, received, refunded; each state once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cart.aftersale import states
from cart.aftersale.errors import NotReturnableError, StaleReturnError
from cart.aftersale.models import Return
from cart.aftersale.returning import accept_return, ask_return, receive_return, refuse_return
from cart.checkout.sweeping import sweep_checkouts
from cart.letters.models import Letter
from cart.orders.models import Consignment, Refund
from cart.orders.packing import transition_consignment
from tests.support.shop import later

State = Return.State


@pytest.fixture
def sent(sale):
    """The sale, with amber's goods on their way."""
    transition_consignment(consignment_id=sale.consignment("amber").pk, to=Consignment.State.SENT, now=timezone.now())
    return sale


def ask(sale, key="k", *, now=None, user=None, **pieces):
    return ask_return(
        consignment_id=sale.consignment("amber").pk, pieces=sale.pieces(**pieces), key=key, why="Too small",
        now=now or timezone.now(), user=user,
    )  # fmt: skip


def act(service, found, **more):
    more = more or {"answer": "Send it to the shop."}
    return service(return_id=found.pk, user=None, now=timezone.now(), **more)


def state(found):
    found.refresh_from_db()
    return found.state


def test_return_goes_its_way_once(sent):
    found = ask(sent, lamp=2)
    assert ask(sent, lamp=2) == found
    assert sent.line("lamp").returned == 2
    act(accept_return, found)
    act(receive_return, found, is_sellable=True)
    assert (state(found), sent.on_hand("lamp")) == (State.RECEIVED, 9)
    assert Refund.objects.get().amount == 2000
    sweep_checkouts(now=later(seconds=1))
    assert (state(found), Refund.objects.get().state) == (State.REFUNDED, Refund.State.MADE)
    kinds = Letter.objects.exclude(kind="placed").order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["sent", "return_asked", "return_accepted", "return_received", "refunded"]

    for service, more in ((accept_return, {}), (refuse_return, {}), (receive_return, {"is_sellable": True})):
        with pytest.raises(StaleReturnError):
            act(service, found, **more)
    assert (sent.on_hand("lamp"), Refund.objects.count()) == (9, 1)


def test_refused_pieces_can_be_asked_for_again(sent):
    found = ask(sent, lamp=3)
    with pytest.raises(NotReturnableError):
        ask(sent, "other", lamp=1)
    with pytest.raises(StaleReturnError, match="Say why"):
        act(refuse_return, found, answer=" ")
    act(refuse_return, found, answer="It was worn.")
    assert (state(found), sent.line("lamp").returned) == (State.REFUSED, 0)
    assert Letter.objects.get(kind="return_refused").facts["answer"] == "It was worn."
    assert ask(sent, "other", lamp=1) != found


def test_damaged_goods_are_refunded_and_not_on_hand(sent):
    found = ask(sent, lamp=1)
    act(accept_return, found)
    act(receive_return, found, is_sellable=False)
    assert sent.on_hand("lamp") == 7
    assert Refund.objects.get().amount == 1000


def test_delivery_charge_comes_back_with_the_last_piece(sent):
    first, last = ask(sent, "a", lamp=3), ask(sent, "b", shade=1)
    for found in (first, last):
        act(accept_return, found)
        act(receive_return, found, is_sellable=True)
    assert list(Refund.objects.order_by("pk").values_list("amount", flat=True)) == [3000, 501 + 450]


def test_goods_of_no_price_are_refunded_at_once(sent):
    sent.line("shade").__class__.objects.filter(pk=sent.line("shade").pk).update(unit_price=0)
    found = ask(sent, shade=1)
    act(accept_return, found)
    act(receive_return, found, is_sellable=True)
    assert state(found) == State.REFUNDED


def test_shopper_asks_within_the_vendors_time(sent):
    late = timezone.now() + timedelta(days=15)
    with pytest.raises(NotReturnableError, match="until"):
        ask(sent, now=late, lamp=1)
    sent.consignment("amber").vendor.__class__.objects.filter(slug="amber").update(return_days=30)
    assert ask(sent, now=late, lamp=1).state == State.ASKED


def test_goods_that_are_not_sent_or_of_two_shops_are_no_return(sale):
    with pytest.raises(NotReturnableError, match="cancel"):
        ask(sale, lamp=1)
    Consignment.objects.update(state=Consignment.State.SENT, sent_at=timezone.now())
    with pytest.raises(NotReturnableError, match="one shop"):
        ask(sale, lamp=1, vase=1)
    assert sale.line("vase").returned == 0


def test_every_state_but_the_ends_has_an_exit():
    ends = {each for each, later_states in states.TRANSITIONS.items() if not later_states}
    assert set(states.TRANSITIONS) == set(State)
    assert ends == {State.REFUSED, State.REFUNDED}
