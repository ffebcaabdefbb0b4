"""The state machine of a dispatch."""

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
"""Neither finished nor dead; a dispatch in these states must have a time of its next attempt."""

TRANSITIONS: dict[State, frozenset[State]] = {
    State.READY: frozenset({State.SENDING, State.HELD, State.ACKED, State.CANCELLED}),
    State.SENDING: frozenset(
        {State.SENDING, State.READY, State.HELD, State.SENT, State.ACKED, State.DEAD, State.CANCELLED}
    ),
    State.HELD: frozenset({State.READY, State.SENDING, State.ACKED, State.CANCELLED}),
    State.SENT: frozenset({State.SENDING, State.ACKED, State.DEAD, State.CANCELLED}),
    State.ACKED: frozenset({State.READY}),
    State.DEAD: frozenset({State.READY, State.ACKED, State.CANCELLED}),
    State.CANCELLED: frozenset(),
}


def sources(target: State) -> list[State]:
    """Return the states from which a dispatch may become ``target``."""
    return [state for state, targets in TRANSITIONS.items() if target in targets]
