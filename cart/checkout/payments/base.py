"""The interface of a payment gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from cart.orders.models import Payment

if TYPE_CHECKING:
    from vendors.storefronts import CachedMarketplace


class ChargeStatus(StrEnum):
    """List the states of a charge at the gateway."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    REFUNDED = "refunded"  # the whole amount


class RefundStatus(StrEnum):
    """List the states of a refund at the gateway."""

    PENDING = "pending"  # taken down; the gateway must be asked again later
    MADE = "made"


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """Hold the gateway's report on a charge; ``amount`` is the captured amount in minor units.

    ``is_final`` is False for a decline after which the gateway may still take the same charge, by another card; the
    payment stays open then. ``declined_cards`` counts the cards that the banks declined for it so far.
    """

    status: ChargeStatus
    amount: int
    currency: str
    is_final: bool = True
    declined_cards: int = 0


@dataclass(frozen=True, slots=True)
class ChargeReport:
    """Hold one charge of a gateway's list, under the payment's reference."""

    reference: str
    result: ChargeResult


class Gateway(Protocol):
    """Talk to one payment company. Every method may raise PaymentError; none is called inside a transaction.

    A payment's ``reference`` is the idempotency key of every call for its charge, a refund has its own. A returning
    browser or a webhook only names a payment; its status always comes from ``fetch``.

    ``label`` and ``hint`` are for the shopper who chooses how to pay. ``payment_period`` is the time in which an order
    is paid later, with its goods kept; None where it is paid at once, on the gateway's page.
    """

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def hint(self) -> str: ...

    @property
    def payment_period(self) -> timedelta | None: ...

    def is_offered(self, marketplace: CachedMarketplace) -> bool:
        """Return whether shoppers of a marketplace may choose this way to pay."""

    def start(self, payment: Payment, *, return_url: str, webhook_path: str) -> str:
        """Return the URL of the payment page; idempotent. Raise PaymentError for a cancelled charge."""

    def read_return(self, query: Mapping[str, str]) -> str:
        """Return the payment reference of a returning browser; reject a forged return."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the payment reference of a webhook; reject a forged or old one."""

    def fetch(self, payment: Payment) -> ChargeResult:
        """Return the current state of the charge."""

    def cancel(self, payment: Payment) -> ChargeResult:
        """Cancel an unpaid charge, started or not, for good; a paid charge stays, as the result shows."""

    def refund(self, payment: Payment, *, amount: int, key: str) -> RefundStatus:
        """Give back an amount of a captured charge, in minor units; once for each key, however often it is asked.

        Raise a permanent PaymentError where the charge is not captured, or the refunds would exceed it.
        """

    def captured_since(self, moment: datetime) -> Iterable[ChargeReport]:
        """Return each charge that was captured since a moment and is not wholly refunded, for reconciliation."""
