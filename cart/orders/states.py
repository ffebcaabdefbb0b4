"""The state machines of consignments and payments. Updates name their source states: a race has one winner."""

from __future__ import annotations

from typing import Final

from cart.orders.models import Consignment, Payment

State = Consignment.State

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    State.DRAFT: frozenset({State.OPEN, State.CANCELLED}),
    State.OPEN: frozenset({State.PACKED, State.SENT, State.CANCELLED}),
    State.PACKED: frozenset({State.OPEN, State.SENT, State.CANCELLED}),
    State.SENT: frozenset({State.DELIVERED, State.PACKED}),  # back while the sending can be undone: ``packing``
    State.DELIVERED: frozenset(),
    State.CANCELLED: frozenset(),
}

# A started payment ends with its hold, one to be refunded when the gateway has made it: the sweeper asks.
PAYMENT_TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    Payment.State.STARTED: frozenset(
        {Payment.State.CAPTURED, Payment.State.DECLINED, Payment.State.REFUND_DUE, Payment.State.REFUNDED}
    ),
    Payment.State.CAPTURED: frozenset({Payment.State.REFUNDED}),
    # Where the money came in spite of it.
    Payment.State.DECLINED: frozenset({Payment.State.CAPTURED, Payment.State.REFUND_DUE, Payment.State.REFUNDED}),
    Payment.State.REFUND_DUE: frozenset({Payment.State.REFUNDED}),
    Payment.State.REFUNDED: frozenset(),
}


def can_transition(state: str, new_state: str) -> bool:
    """Return True if the transition is allowed."""
    return new_state in TRANSITIONS[state]


def predecessors(state: str) -> list[str]:
    """Return the states with a transition to this one."""
    return [earlier for earlier, later in TRANSITIONS.items() if state in later]
