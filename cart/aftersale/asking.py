"""The service by which a shopper asks a shop about a consignment: one letter, answered to the shopper.

How often is counted in the letters themselves, so the limit holds whatever else is away.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse
from django.utils.translation import gettext

from cart.aftersale.errors import QuestionRefusedError
from cart.letters.models import Letter
from cart.letters.services import write_letter
from cart.orders.models import Consignment, Order
from cart.transactions import in_transaction

QUESTIONS_AN_HOUR = 3
QUESTIONS_A_DAY = 10
LONGEST = 2000


def shop_address(consignment: Consignment) -> str:
    """Return the address for questions: the shop's, else the mall's; '' where there is none.

    The vendor, and the order with its marketplace, are read.
    """
    return consignment.vendor.support_email or consignment.order.marketplace.support_email


@in_transaction
def ask_shop(*, order_id: int, consignment: Consignment, text: str, key: str, now: datetime) -> None:
    """Write the letter of a question; once for each key. Raise QuestionRefusedError."""
    order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
    questions = Letter.objects.filter(order=order, kind=Letter.Kind.QUESTION)
    if questions.filter(key=key).exists():
        return
    to = shop_address(consignment)
    if not to:
        raise QuestionRefusedError(
            gettext("%(vendor)s has named no address for questions.") % {"vendor": consignment.vendor.name}
        )
    for period, most in ((timedelta(hours=1), QUESTIONS_AN_HOUR), (timedelta(days=1), QUESTIONS_A_DAY)):
        if questions.filter(created_at__gt=now - period).count() >= most:
            raise QuestionRefusedError(
                gettext("Your questions are on their way. Wait for an answer before you ask more.")
            )
    facts = {
        "text": text,
        "shop": consignment.vendor.name,
        "consignment": consignment.number,
        "path": reverse("admin:orders_consignment_change", args=[consignment.pk]),
    }
    write_letter(order=order, kind=Letter.Kind.QUESTION, key=key, facts=facts, to=to)
