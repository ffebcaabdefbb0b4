"""Test cards of the simulated payment company."""

from enum import StrEnum
from typing import Final

from django.utils.translation import gettext_noop


class CardBehaviour(StrEnum):
    """List the behaviours of the test cards."""

    PAYS = "pays"
    DECLINED = "declined"  # for good
    EMPTY = "empty"  # declined, but another card may be tried
    LOST = "lost"  # pays, but the browser gets no answer
    SECURE = "secure"  # the bank asks first (3-D Secure)


CARDS: Final[dict[str, tuple[CardBehaviour, str]]] = {
    "4242424242424242": (CardBehaviour.PAYS, gettext_noop("is accepted")),
    "4000000000000002": (CardBehaviour.DECLINED, gettext_noop("is declined")),
    "4000000000009995": (CardBehaviour.EMPTY, gettext_noop("has too little on it; another may be tried")),
    "4000000000003220": (CardBehaviour.SECURE, gettext_noop("asks you to confirm with your bank")),
    "4000000000000119": (CardBehaviour.LOST, gettext_noop("is charged, then the connection breaks")),
}


def card_digits(number: str) -> str:
    """Return the digits of a typed card number."""
    return "".join(sign for sign in number if sign.isdecimal())


def format_card_number(number: str) -> str:
    """Group the digits by four, as on a card."""
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))
