"""The states of a dispatch and the only ways from one to another."""

from django.db import models


class State(models.TextChoices):
    READY = "ready", "waiting its turn"
    SENDING = "sending", "being sent"
    HELD = "held", "held: the department cannot be reached"
    SENT = "sent", "sent, not yet acknowledged"
    ACKED = "acked", "acknowledged"
    DEAD = "dead", "given up, needs a person"
    CANCELLED = "cancelled", "cancelled"


LIVE = frozenset({State.READY, State.SENDING, State.HELD, State.SENT})
"""The mall still owes something to a dispatch in these states, so it must have a time at which it is looked at next."""

CLAIMABLE = frozenset({State.READY, State.HELD, State.SENT})
"""May be taken when its time has come: a SENT one without an acknowledgement goes again, under the same key."""

TRANSITIONS: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.SENDING, State.HELD, State.ACKED, State.CANCELLED}),
    State.SENDING: frozenset({State.SENDING, State.READY, State.HELD, State.SENT, State.ACKED, State.DEAD}),
    State.HELD: frozenset({State.READY, State.SENDING, State.ACKED, State.CANCELLED}),
    State.SENT: frozenset({State.SENDING, State.ACKED}),
    State.ACKED: frozenset(),
    State.DEAD: frozenset({State.READY, State.ACKED, State.CANCELLED}),
    State.CANCELLED: frozenset(),
}


def sources(target: State) -> list[State]:
    """The states from which a dispatch may become ``target``; the WHERE of every change of state."""
    return [state for state, targets in TRANSITIONS.items() if target in targets]
