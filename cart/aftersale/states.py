"""The state machine of returns. An UPDATE names its source states, so a race has one winner."""

from __future__ import annotations

from typing import Final

from cart.aftersale.models import Return

State = Return.State

TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    State.ASKED: frozenset({State.ACCEPTED, State.REFUSED}),
    State.ACCEPTED: frozenset({State.RECEIVED, State.REFUSED}),
    State.RECEIVED: frozenset({State.REFUNDED}),
    State.REFUSED: frozenset(),
    State.REFUNDED: frozenset(),
}


def can_transition(state: str, new_state: str) -> bool:
    """Return True if the transition is allowed."""
    return new_state in TRANSITIONS[state]
