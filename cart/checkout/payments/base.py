"""What the mall expects of a payment gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from cart.orders.models import Payment


class PaymentError(Exception):
    """The gateway refused or could not be reached; ``permanent`` where asking again cannot help."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class Progress(StrEnum):
    """How far a charge is."""

    PENDING = "pending"
    CAPTURED = "captured"
    DECLINED = "declined"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gateway says of a charge; the amount is what was really taken, in minor units."""

    progress: Progress
    amount: int
    currency: str


class Gateway(Protocol):
    """One payment company. Every method may raise PaymentError; none is called inside a transaction.

    A payment's ``reference`` is the idempotency key of all of them. Whoever comes back, a browser or a webhook, only
    says which payment to look at; what happened to it is always asked by ``fetch``.
    """

    name: str

    def start(self, payment: Payment, *, return_url: str, webhook_path: str) -> str:
        """The URL of the page where the shopper pays; the same one however often it is asked."""

    def read_return(self, query: Mapping[str, str]) -> str:
        """The reference of the payment that a browser comes back from; a forged return is refused."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """The reference of the payment that a notice is about; a forged or old notice is refused."""

    def fetch(self, payment: Payment) -> Outcome:
        """How far the charge is now."""

    def cancel(self, payment: Payment) -> Outcome:
        """Close a charge that was not paid; a paid one stays, and the answer says so."""

    def refund(self, payment: Payment) -> Outcome:
        """Give the whole amount back."""
