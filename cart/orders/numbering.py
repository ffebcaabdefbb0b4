"""Order numbers that people can read out: M-7K3Q-29."""

import secrets

# Without I, L, O, U, 0 and 1: nothing to mistake for something else on the telephone, and few words by accident.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_number() -> str:
    """One of 729 million, unguessable; the unique index has the last word."""
    return f"M-{_some(4)}-{_some(2)}"


def _some(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))
