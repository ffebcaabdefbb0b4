"""The state machine of consignments. An UPDATE names its source states, so a race has one winner."""

from __future__ import annotations

from typing import Final

from cart.orders.models import Consignment

State = Consignment.State

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    State.DRAFT: frozenset({State.OPEN, State.CANCELLED}),
    State.OPEN: frozenset({State.PACKED, State.SENT, State.CANCELLED}),
    State.PACKED: frozenset({State.OPEN, State.SENT, State.CANCELLED}),
    State.SENT: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
    State.CANCELLED: frozenset(),
}


def can_transition(state: str, new_state: str) -> bool:
    """Return True if the transition is allowed."""
    return new_state in TRANSITIONS[state]


def predecessors(state: str) -> list[str]:
    """Return the states with a transition to this one."""
    return [earlier for earlier, later in TRANSITIONS.items() if state in later]
