"""Order numbers that are easy to read out: M-7K3Q-29."""

import secrets

# Without I, L, O, U, 0 and 1: unambiguous on the telephone, and few accidental words.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_number() -> str:
    """Return a random number, one of 729 million; a unique index rejects duplicates."""
    return f"M-{_random_letters(4)}-{_random_letters(2)}"


def _random_letters(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))
