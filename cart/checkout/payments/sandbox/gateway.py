"""The gateway to the simulated payment company."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeReport, ChargeResult, ChargeStatus, RefundStatus
from cart.checkout.payments.sandbox import services, signing
from cart.checkout.payments.sandbox.models import Charge
from cart.orders.models import Payment
from sessions_farm.communities.links import origin
from sessions_farm.communities.query_plans import planned
from sessions_farm.communities.registry import Member, registry

if TYPE_CHECKING:
    from vendors.storefronts import CachedMarketplace

STATUS = {
    Charge.State.OPEN: ChargeStatus.PENDING,
    Charge.State.CHALLENGED: ChargeStatus.PENDING,
    Charge.State.CAPTURED: ChargeStatus.CAPTURED,
    Charge.State.DECLINED: ChargeStatus.DECLINED,
    Charge.State.CANCELLED: ChargeStatus.DECLINED,
    Charge.State.REFUNDED: ChargeStatus.REFUNDED,
}


class Gateway:
    """Implement payments.base.Gateway in this process."""

    name = "sandbox"
    label = gettext_lazy("Card")
    hint = gettext_lazy("You pay on the page of our payment company. Your goods are kept for you meanwhile.")
    payment_period: timedelta | None = None

    def is_offered(self, marketplace: CachedMarketplace) -> bool:
        """Offer it everywhere."""
        return True

    def start(self, payment: Payment, *, return_url: str, webhook_path: str) -> str:
        """Create the charge once, and return its payment page."""
        shop = _shop_of(payment)
        charge = services.open_charge(
            Charge(
                reference=payment.reference,
                shop=shop.name if shop else "",
                amount=payment.amount,
                currency=payment.currency,
                return_url=return_url,
                webhook_path=webhook_path,
                webhook_host=origin(shop.host).partition("://")[2] if shop else "",
            )
        )
        if charge.state == Charge.State.CANCELLED:
            raise PaymentError(f"Charge {payment.reference} was cancelled before it was started.", permanent=True)
        return reverse("sandbox:pay", args=[charge.token])

    def read_return(self, query: Mapping[str, str]) -> str:
        """Verify the signature of a returning browser."""
        reference = query.get("reference", "")
        try:
            signing.check_return(reference, query.get("signature", ""))
        except signing.SignatureError as error:
            raise PaymentError(str(error), permanent=True) from error
        return reference

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        """Verify the signature and the time of a webhook."""
        try:
            signing.check_notice(headers, body, timezone.now())
        except signing.SignatureError as error:
            raise PaymentError(str(error), permanent=True) from error
        try:
            return str(json.loads(body)["reference"])
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise PaymentError("The notice is signed, but has no reference in JSON.", permanent=True) from error

    def fetch(self, payment: Payment) -> ChargeResult:
        """Return the state of the charge; pending if there is none."""
        found = _charge_of(payment.reference)
        return _charge_result(found[0]) if found else ChargeResult(ChargeStatus.PENDING, 0, payment.currency)

    def cancel(self, payment: Payment) -> ChargeResult:
        """Cancel the charge unless it is paid; one that was never started is recorded as cancelled, and stays so."""
        shop = _shop_of(payment)
        unstarted = Charge(
            reference=payment.reference,
            shop=shop.name if shop else "",
            amount=payment.amount,
            currency=payment.currency,
        )
        return _charge_result(services.cancel_charge(unstarted=unstarted, now=timezone.now()))

    def refund(self, payment: Payment, *, amount: int, key: str) -> RefundStatus:
        """Give the amount back at once. Raise PaymentError if there is no such charge, or not so much of it."""
        try:
            services.refund_charge(reference=payment.reference, amount=amount, key=key)
        except Charge.DoesNotExist as error:
            raise PaymentError(f"The gateway has no charge {payment.reference}.", permanent=True) from error
        except services.RefundRefusedError as error:
            raise PaymentError(str(error), permanent=True) from error
        return RefundStatus.MADE

    def captured_since(self, moment: datetime) -> Iterator[ChargeReport]:
        """Return the charges that were captured since a moment."""
        rows = Charge.objects.filter(state=Charge.State.CAPTURED, settled_at__gte=moment)
        for charge in rows:
            yield ChargeReport(charge.reference, _charge_result(charge))


@planned
def _charge_of(reference: str) -> QuerySet[Charge]:
    return Charge.objects.filter(reference=reference)


def _shop_of(payment: Payment) -> Member | None:
    """Return the master of the order's community; None while it has none that is served."""
    try:
        return registry.master_of(payment.order.marketplace.community_id)
    except LookupError:
        return None


def _charge_result(charge: Charge) -> ChargeResult:
    is_open = charge.is_payable and charge.declined_cards > 0
    status = ChargeStatus.DECLINED if is_open else STATUS[Charge.State(charge.state)]
    declined_cards = charge.declined_cards + (charge.state == Charge.State.DECLINED)  # one that was closed is none
    return ChargeResult(status, charge.amount, charge.currency, is_final=not is_open, declined_cards=declined_cards)
