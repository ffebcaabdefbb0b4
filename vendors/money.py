"""Money: integer minor units and an ISO 4217 code."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from moneyed import Money as Moneyed
from moneyed import get_currency
from moneyed.l10n import format_money

from vendors import languages


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """Represent an amount in minor units of a currency."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        if other.currency != self.currency:
            raise ValueError(f"Cannot add {other.currency} to {self.currency}; one community has one currency.")
        return Money(self.minor + other.minor, self.currency)

    def __mul__(self, quantity: int) -> Money:
        return Money(self.minor * quantity, self.currency)

    def __bool__(self) -> bool:
        return bool(self.minor)

    @property
    def major(self) -> Decimal:
        """Return the amount in the currency's main unit: 4210 EUR minor units are Decimal("42.10")."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def __str__(self) -> str:
        return format_money(Moneyed(self.major, self.currency), locale=languages.babel_locale())


def minor_digits(currency: str) -> int:
    """Return the number of decimal digits of a currency: 2 for EUR, 0 for JPY."""
    return len(str(get_currency(currency).sub_unit)) - 1
