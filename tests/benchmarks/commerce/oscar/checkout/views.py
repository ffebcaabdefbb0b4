"""The view that places an order, with a stub of a payment company that takes every card at once."""

from __future__ import annotations

from typing import Any

from oscar.apps.checkout import views
from oscar.apps.payment.models import Source, SourceType


class PaymentDetailsView(views.PaymentDetailsView):
    """Note a payment as the documentation's recipe does: a source, and the order's payment event."""

    def handle_payment(self, order_number: str, total: Any, **_kwargs: Any) -> None:
        """Take the whole amount."""
        source_type, _ = SourceType.objects.get_or_create(name="Stub")
        amount = total.incl_tax
        self.add_payment_source(
            Source(
                source_type=source_type,
                currency=total.currency,
                amount_allocated=amount,
                amount_debited=amount,
                reference=order_number,
            )
        )
        self.add_payment_event("paid", amount, reference=order_number)
