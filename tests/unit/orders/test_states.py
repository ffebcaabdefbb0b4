"""No payment stays in a state that needs somebody: each has an exit, and the sweeper looks after each that is open."""

from cart.checkout.sweeping import OPEN
from cart.orders.models import Payment
from cart.orders.states import PAYMENT_TRANSITIONS

State = Payment.State


def test_every_payment_state_has_an_exit():
    assert set(PAYMENT_TRANSITIONS) == set(State)
    assert {state for state, following in PAYMENT_TRANSITIONS.items() if not following} == {State.REFUNDED}


def test_open_payments_are_looked_after():
    assert set(OPEN) == set(State) - {State.CAPTURED, State.DECLINED, State.REFUNDED}
    assert all(PAYMENT_TRANSITIONS[state] - {state} for state in OPEN)
