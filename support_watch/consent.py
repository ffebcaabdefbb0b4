"""Consent of a shopper: how much a shop's support people may see, chosen once for all shops of the mall.

Without an answer a page that carries the whole notice (the support page) is shown under a pseudonym, and every other
page as nothing but "a visitor"; a browser that asks not to be followed is shown as that everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sessions_farm.session import queries
from vendors.http import MallRequest, asks_not_to_be_followed

CONSENT: Final = "support_consent"  # a variable that every shop of the community sees, declared shared


class Level(IntEnum):
    """List the levels of consent; each shows all that the one before shows."""

    PRESENCE = 0
    PAGES = 1
    CART = 2


@dataclass(frozen=True, slots=True)
class Consent:
    """The consent of a request; ``chosen`` if the shopper said so, and it is not a default."""

    level: Level
    chosen: bool


def consent_of(request: MallRequest, *, has_notice: bool) -> Consent:
    """Return the consent that holds for a page; ``has_notice`` if the page says itself what is seen."""
    session = request.mall.session
    chosen = session.get(CONSENT) if session is not None else None
    if isinstance(chosen, int) and chosen in Level.__members__.values():
        return Consent(Level(chosen), chosen=True)
    return Consent(Level.PAGES if has_notice and not asks_not_to_be_followed(request) else Level.PRESENCE, chosen=False)


def allows_cart(handle: str) -> bool:
    """Return whether the shopper of a session lets support people see the cart, as of now."""
    return bool(handle) and queries.value(CONSENT, handle) == Level.CART
