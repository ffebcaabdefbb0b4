"""The gateway of bank transfers: no page and no notice; staff mark a transfer as paid, and say when one went back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext, gettext_lazy

from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeReport, ChargeResult, ChargeStatus, RefundStatus
from cart.checkout.payments.manual import services
from cart.checkout.payments.manual.models import Transfer
from cart.orders.models import Payment

if TYPE_CHECKING:
    from vendors.storefronts import CachedMarketplace

STATUS = {
    Transfer.State.AWAITED: ChargeStatus.PENDING,
    Transfer.State.RECEIVED: ChargeStatus.CAPTURED,
    Transfer.State.CANCELLED: ChargeStatus.DECLINED,
    Transfer.State.REFUNDED: ChargeStatus.REFUNDED,
}


class Gateway:
    """Implement payments.base.Gateway by rows that people change in the admin."""

    name = "manual"
    label = gettext_lazy("Bank transfer")

    @property
    def payment_period(self) -> timedelta | None:
        """Return the time in which the transfer must come."""
        return timedelta(days=settings.TRANSFER_DAYS)

    @property
    def hint(self) -> str:
        """Return the shopper's hint."""
        days = settings.TRANSFER_DAYS
        return gettext(
            "You have %(days)s days to transfer the amount. Your goods are kept, and sent once it is here."
        ) % {"days": days}

    def is_offered(self, marketplace: CachedMarketplace) -> bool:
        """Offer it where the marketplace names its account."""
        return bool(marketplace.bank_account)

    def start(self, payment: Payment, *, return_url: str, webhook_path: str) -> str:
        """Await the transfer, and return the order's page, which says how to transfer."""
        transfer, _ = Transfer.objects.get_or_create(
            reference=payment.reference,
            defaults={"purpose": payment.order.number, "amount": payment.amount, "currency": payment.currency},
        )
        if transfer.state == Transfer.State.CANCELLED:
            raise PaymentError(f"Transfer {payment.reference} was cancelled before it was started.", permanent=True)
        return payment.order.get_absolute_url()

    def read_return(self, query: Mapping[str, str]) -> str:
        """Refuse: no browser returns from a bank."""
        raise PaymentError("No browser returns from a transfer.", permanent=True)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Refuse: no bank sends notices."""
        raise PaymentError("No notice comes of a transfer.", permanent=True)

    def fetch(self, payment: Payment) -> ChargeResult:
        """Return the transfer as staff wrote it down; pending if there is none."""
        transfer = Transfer.objects.filter(reference=payment.reference).first()
        return _result(transfer) if transfer else ChargeResult(ChargeStatus.PENDING, 0, payment.currency)

    def cancel(self, payment: Payment) -> ChargeResult:
        """Await the transfer no longer; one that comes in spite of it counts, once staff mark it as paid."""
        unstarted = Transfer(
            reference=payment.reference,
            purpose=payment.order.number,
            amount=payment.amount,
            currency=payment.currency,
        )
        return _result(services.cancel_transfer(unstarted=unstarted))

    def refund(self, payment: Payment, *, amount: int, key: str) -> RefundStatus:
        """Ask staff to transfer the amount back; made once they say so."""
        try:
            back = services.ask_back_transfer(reference=payment.reference, amount=amount, key=key)
        except Transfer.DoesNotExist as error:
            raise PaymentError(f"There is no transfer {payment.reference}.", permanent=True) from error
        except services.TransferError as error:
            raise PaymentError(str(error), permanent=True) from error
        return RefundStatus.MADE if back.made_at else RefundStatus.PENDING

    def captured_since(self, moment: datetime) -> Iterator[ChargeReport]:
        """Return the transfers that were received since a moment."""
        rows = Transfer.objects.filter(state=Transfer.State.RECEIVED, received_at__gte=moment)
        for transfer in rows:
            yield ChargeReport(transfer.reference, _result(transfer))


def _result(transfer: Transfer) -> ChargeResult:
    return ChargeResult(STATUS[Transfer.State(transfer.state)], transfer.amount, transfer.currency)
