"""The interface of a payment gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cart.orders.models import Payment


class ChargeStatus(StrEnum):
    """List the states of a charge at the gateway."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"  # for good; it is pending while another card may be tried
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """Hold the gateway's report on a charge; ``amount`` is the captured amount in minor units.

    ``declined_cards`` counts the cards that the banks declined for it so far.
    """

    status: ChargeStatus
    amount: int
    currency: str
    declined_cards: int = 0


class Gateway(Protocol):
    """Talk to one payment company. Every method may raise PaymentError; none is called inside a transaction.

    A payment's ``reference`` is the idempotency key of every call. A returning browser or a webhook only names a
    payment; its status always comes from ``fetch``.
    """

    name: str

    def start(self, payment: Payment, *, return_url: str, webhook_path: str) -> str:
        """Return the URL of the payment page; idempotent."""

    def read_return(self, query: Mapping[str, str]) -> str:
        """Return the payment reference of a returning browser; reject a forged return."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the payment reference of a webhook; reject a forged or old one."""

    def fetch(self, payment: Payment) -> ChargeResult:
        """Return the current state of the charge."""

    def cancel(self, payment: Payment) -> ChargeResult:
        """Cancel an unpaid charge, started or not, for good; a paid charge stays, as the result shows."""

    def refund(self, payment: Payment) -> ChargeResult:
        """Refund the whole amount; idempotent."""
