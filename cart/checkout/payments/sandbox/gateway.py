"""The mall's side of the pretend payment company."""

from __future__ import annotations

import json
from collections.abc import Mapping

from django.urls import reverse
from django.utils import timezone

from cart.checkout.payments.base import Outcome, PaymentError, Progress
from cart.checkout.payments.sandbox import services, signing
from cart.checkout.payments.sandbox.models import Charge
from cart.orders.models import Payment
from sessions_farm.communities.links import origin

PROGRESS = {
    Charge.State.OPEN: Progress.PENDING,
    Charge.State.CHALLENGED: Progress.PENDING,
    Charge.State.CAPTURED: Progress.CAPTURED,
    Charge.State.DECLINED: Progress.DECLINED,
    Charge.State.CANCELLED: Progress.DECLINED,
    Charge.State.REFUNDED: Progress.REFUNDED,
}


class Gateway:
    """Implements payments.base.Gateway."""

    name = "sandbox"

    def start(self, payment: Payment, *, return_url: str, webhook_path: str) -> str:
        community = payment.order.marketplace.community
        charge, _ = Charge.objects.get_or_create(
            reference=payment.reference,
            defaults={
                "shop": community.name,
                "amount": payment.amount,
                "currency": payment.currency,
                "return_url": return_url,
                "webhook_path": webhook_path,
                "webhook_host": origin(community.master.host).partition("://")[2] if community.master else "",
            },
        )
        return reverse("sandbox:pay", args=[charge.token])

    def read_return(self, query: Mapping[str, str]) -> str:
        reference = query.get("reference", "")
        try:
            signing.check_return(reference, query.get("signature", ""))
        except signing.Forged as error:
            raise PaymentError(str(error), permanent=True) from error
        return reference

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> str:
        try:
            signing.check_notice(headers, body, timezone.now())
        except signing.Forged as error:
            raise PaymentError(str(error), permanent=True) from error
        return str(json.loads(body)["reference"])

    def fetch(self, payment: Payment) -> Outcome:
        charge = Charge.objects.filter(reference=payment.reference).first()
        return _outcome(charge) if charge else Outcome(Progress.PENDING, 0, payment.currency)

    def cancel(self, payment: Payment) -> Outcome:
        try:
            return _outcome(services.close(reference=payment.reference, now=timezone.now()))
        except Charge.DoesNotExist:
            return Outcome(Progress.DECLINED, 0, payment.currency)

    def refund(self, payment: Payment) -> Outcome:
        try:
            return _outcome(services.refund(reference=payment.reference))
        except Charge.DoesNotExist as error:
            raise PaymentError(f"The gateway has no charge {payment.reference}.", permanent=True) from error


def _outcome(charge: Charge) -> Outcome:
    return Outcome(PROGRESS[Charge.State(charge.state)], charge.amount, charge.currency)
