"""Which states follow which, for consignments. An UPDATE names the state it starts from, so a race has one winner."""

from __future__ import annotations

from typing import Final

from cart.orders.models import Consignment

State = Consignment.State

MOVES: Final[dict[str, frozenset[str]]] = {
    State.DRAFT: frozenset({State.OPEN, State.CANCELLED}),
    State.OPEN: frozenset({State.PACKED, State.SENT, State.CANCELLED}),
    State.PACKED: frozenset({State.OPEN, State.SENT, State.CANCELLED}),
    State.SENT: frozenset({State.DELIVERED}),
    State.DELIVERED: frozenset(),
    State.CANCELLED: frozenset(),
}


def may_become(state: str, following: str) -> bool:
    return following in MOVES[state]


def before(state: str) -> list[str]:
    """The states from which this one may be reached."""
    return [earlier for earlier, later in MOVES.items() if state in later]
