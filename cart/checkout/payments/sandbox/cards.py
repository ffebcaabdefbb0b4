"""The cards that the pretend company knows, each with a fate of its own."""

from enum import StrEnum
from typing import Final


class Fate(StrEnum):
    PAYS = "pays"
    DECLINED = "declined"
    LOST = "lost"  # pays, but the browser never hears of it
    SECURE = "secure"  # the bank asks first (3-D Secure)


CARDS: Final[dict[str, tuple[Fate, str]]] = {
    "4242424242424242": (Fate.PAYS, "is accepted"),
    "4000000000000002": (Fate.DECLINED, "is declined"),
    "4000000000003220": (Fate.SECURE, "asks you to confirm with your bank"),
    "4000000000000119": (Fate.LOST, "is charged, then the connection breaks"),
}


def digits(number: str) -> str:
    return "".join(sign for sign in number if sign.isdecimal())


def grouped(number: str) -> str:
    """Digits in fours, as they are printed on a card."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
