"""Errors of the checkout; nothing was changed or charged when one is raised."""

from __future__ import annotations


class CheckoutError(Exception):
    """Base class of the checkout's errors."""


class CartNotBuyableError(CheckoutError):
    """Report an empty cart, or a line that cannot be bought."""


class CartChangedError(CheckoutError):
    """Report goods, delivery or an address other than the reviewed ones."""


class PriceIncreasedError(CheckoutError):
    """Report a total above the agreed one; both in minor units."""

    def __init__(self, agreed_total: int, total: int) -> None:
        super().__init__(f"The agreed total was {agreed_total}; it is {total} now.")
        self.agreed_total = agreed_total
        self.total = total


class DraftExpiredError(CheckoutError):
    """Report a draft order that expired before payment."""


class RowLockTimeoutError(CheckoutError):
    """Report a row lock held by another transaction for too long; trying again may help."""


class PaymentError(CheckoutError):
    """Report a gateway that refused or was unreachable; ``permanent`` if trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent
