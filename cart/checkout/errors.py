"""Errors of the checkout; nothing was changed or charged when one is raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cart.orders.models import Order


class CheckoutError(Exception):
    """Base class of the checkout's errors."""


class CartNotBuyableError(CheckoutError):
    """Report an empty cart, or a line that cannot be bought."""


class CartChangedError(CheckoutError):
    """Report goods, delivery or an address other than the reviewed ones."""


@dataclass(frozen=True, slots=True)
class Increase:
    """Hold a price or a charge above the agreed one, in minor units."""

    name: str
    agreed: int
    now: int


class PriceIncreasedError(CheckoutError):
    """Report prices or charges above the agreed ones, in minor units; a fall elsewhere does not count."""

    def __init__(self, increases: Sequence[Increase], total: int) -> None:
        risen = ", ".join(f"{increase.name} from {increase.agreed} to {increase.now}" for increase in increases)
        super().__init__(f"Risen: {risen}. The total is {total} now.")
        self.increases = increases
        self.total = total


class AlreadyPaidError(CheckoutError):
    """Report an order of this checkout that is paid; there is nothing else to pay."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"Order {order.number} of this checkout is paid.")
        self.order = order


class PaymentReturnedError(CheckoutError):
    """Report an earlier payment of this checkout that was made, but whose order cannot be placed: it goes back."""

    def __init__(self, order: Order) -> None:
        super().__init__(f"A payment of order {order.number} was made and goes back.")
        self.order = order


class DraftExpiredError(CheckoutError):
    """Report a draft order that expired before payment."""


class PaymentError(CheckoutError):
    """Report a gateway that refused or was unreachable; ``permanent`` if trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class LimitError(CheckoutError):
    """Base class of refusals that keep card testers and hoarders off; ``reason`` names the limit in the metrics."""

    reason = "limit"


class WaitError(LimitError):
    """Base class of refusals that end by themselves, after ``wait``."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"{self.reason}: wait for {wait}.")
        self.wait = wait


class TooManyDeclinesError(WaitError):
    """Report too many declined cards of one checkout or shopper."""

    reason = "declines"


class HeldTooLongError(WaitError):
    """Report goods that the shopper has held for as long as a shopper may, over all drafts."""

    reason = "held_time"


class NetworkBusyError(WaitError):
    """Report a network whose fresh shoppers have used up their share, and whose slow lane is taken."""

    reason = "network"


class AwaitedPaymentsError(LimitError):
    """Report goods with too many pieces kept for awaited payments of shoppers without a paid order."""

    reason = "awaited"


class TooManyPiecesError(LimitError):
    """Report more pieces of a variant than a fresh shopper may hold."""

    reason = "pieces"

    def __init__(self, variant_id: int, wanted: int, most: int) -> None:
        super().__init__(f"{wanted} of variant {variant_id} are wanted, {most} may be held.")
        self.variant_id = variant_id
        self.wanted = wanted
        self.most = most
