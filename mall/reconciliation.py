"""Four lists of money and goods that do not fit together. Each is empty after a sweep; a row that stays needs work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from cart.checkout.errors import PaymentError
from cart.checkout.payments.base import ChargeReport
from cart.checkout.payments.gateways import get_gateway
from cart.orders.models import Consignment, Order, Payment, Refund
from shipping.models import Dispatch
from shipping.states import State

if TYPE_CHECKING:
    from django.db.models import QuerySet

PERIOD = timedelta(days=31)  # charges and payments so old are compared
SLACK = timedelta(days=1)  # between a charge and the payment that it settled, at most
WAIT = timedelta(days=1)  # after that, money that should go back is a person's business
CHUNK = 1000
KEPT = (Payment.State.CAPTURED, Payment.State.REFUND_DUE)


@dataclass(frozen=True, slots=True)
class Charges:
    """Hold the captured charges of the gateways by gateway and reference, and the gateways that did not answer."""

    reports: dict[tuple[str, str], ChargeReport]
    silent: list[str]


def captured_charges(since: datetime) -> Charges:
    """Ask each gateway for the charges that were captured since a moment."""
    charges = Charges({}, [])
    for name in settings.PAYMENT_GATEWAYS:
        try:
            charges.reports.update({(name, each.reference): each for each in get_gateway(name).captured_since(since)})
        except PaymentError:
            charges.silent.append(name)
    return charges


def charges_without_payment(charges: Charges, now: datetime) -> list[tuple[str, ChargeReport]]:
    """Return the captured charges, with their gateway, that no payment stands for, or one of another amount.

    A started payment stands for its charge until the sweeper's first look at it.
    """
    standing = {
        (payment.gateway, payment.reference): (payment.amount, payment.currency)
        for payment in _payments(charges.reports)
        if payment.state in {*KEPT, Payment.State.REFUNDED} or _waits_for_first_look(payment, now)
    }
    return [
        (gateway, report)
        for (gateway, reference), report in charges.reports.items()
        if standing.get((gateway, reference)) != (report.result.amount, report.result.currency)
    ]


def payments_without_charge(charges: Charges, since: datetime) -> list[Payment]:
    """Return the payments noted as captured since a moment of which the gateways report no captured charge."""
    noted = Payment.objects.filter(state__in=KEPT, settled_at__gte=since).exclude(gateway__in=charges.silent)
    return [
        payment
        for payment in noted.select_related("order").order_by("pk").iterator(CHUNK)
        if (payment.gateway, payment.reference) not in charges.reports
    ]


def paid_without_order(now: datetime) -> QuerySet[Payment]:
    """Select the payments whose money is here though their order is not placed and nothing of it is on its way back.

    One that is to be refunded counts after a day.
    """
    kept = Q(state=Payment.State.CAPTURED, refund_total__lt=F("amount")) & ~Q(order__state=Order.State.PLACED)
    stuck = Q(state=Payment.State.REFUND_DUE, settled_at__lt=now - WAIT)
    return Payment.objects.filter(kept | stuck).select_related("order").order_by("pk")


def orders_without_dispatch() -> QuerySet[Consignment]:
    """Select the consignments to be sent of which no department hears: they have no dispatch that is not cancelled."""
    dispatches = Dispatch.objects.filter(~Q(state=State.CANCELLED), consignment=OuterRef("pk"))
    to_send = Q(state__in=[Consignment.State.OPEN, Consignment.State.PACKED], order__state=Order.State.PLACED)
    return Consignment.objects.filter(to_send, ~Exists(dispatches)).select_related("order", "vendor").order_by("pk")


def waiting_refunds(now: datetime) -> QuerySet[Refund]:
    """Select the refunds that the gateway has not made for a day."""
    due = Refund.objects.filter(state=Refund.State.DUE, created_at__lt=now - WAIT)
    return due.select_related("payment__order").order_by("pk")


def _waits_for_first_look(payment: Payment, now: datetime) -> bool:
    return payment.state == Payment.State.STARTED and not payment.looks and payment.next_look_at > now


def _payments(keys: Iterable[tuple[str, str]]) -> Iterable[Payment]:
    references = [reference for _, reference in keys]
    for start in range(0, len(references), CHUNK):
        yield from Payment.objects.filter(reference__in=references[start : start + CHUNK])
