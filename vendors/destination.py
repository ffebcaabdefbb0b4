"""The country to which a shopper wants goods sent: chosen in the cart or typed at the checkout, kept for all shops."""

from __future__ import annotations

from typing import Final

from django_countries import countries

from vendors.delivery import Destination
from vendors.http import MallRequest

DELIVER_TO: Final = "deliver_to"  # a variable that every shop of the community sees; the postcode stays with the till


def destination_of(request: MallRequest) -> Destination:
    """Return where goods go as far as it is known: the shopper's country, else the mall's own."""
    session = request.mall.session
    chosen = str(session.get(DELIVER_TO)) if session is not None else ""
    return Destination(chosen if chosen in countries else request.marketplace.country)


def remember_country(request: MallRequest, country: str) -> None:
    """Keep the country; one that is kept already is not written again."""
    if request.session.get(DELIVER_TO) != country:
        request.session[DELIVER_TO] = country
