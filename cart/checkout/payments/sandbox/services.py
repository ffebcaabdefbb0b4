"""Services that change a charge of the simulated payment company."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Sum

from cart.checkout.payments.sandbox import tasks
from cart.checkout.payments.sandbox.cards import CardBehaviour
from cart.checkout.payments.sandbox.models import Charge, ChargeRefund

State = Charge.State


class RefundRefusedError(Exception):
    """Report a refund that the payment company does not make."""


def open_charge(new: Charge) -> Charge:
    """Save a new charge, once for each reference; return the one that there is."""
    try:
        with transaction.atomic():
            new.save(force_insert=True)
    except IntegrityError:
        return Charge.objects.get(reference=new.reference)
    return new


@transaction.atomic
def charge_card(*, token: str, behaviour: CardBehaviour, now: datetime) -> Charge:
    """Charge a card; idempotent, only an open charge changes. Raise Charge.DoesNotExist."""
    charge = _lock_charge(token)
    if charge.state != State.OPEN:
        return charge
    if behaviour is CardBehaviour.EMPTY:
        charge.declined_cards += 1
        charge.save(update_fields=["declined_cards"])
        return charge
    if behaviour is CardBehaviour.SECURE:
        return _set_state(charge, State.CHALLENGED)
    return _settle(charge, State.DECLINED if behaviour is CardBehaviour.DECLINED else State.CAPTURED, now)


@transaction.atomic
def answer_challenge(*, token: str, confirmed: bool, now: datetime) -> Charge:
    """Record the bank's answer after 3-D Secure."""
    charge = _lock_charge(token)
    if charge.state != State.CHALLENGED:
        return charge
    return _settle(charge, State.CAPTURED if confirmed else State.DECLINED, now)


@transaction.atomic
def abandon_charge(*, token: str, now: datetime) -> Charge:
    """Cancel a charge because the shopper returns without paying."""
    charge = _lock_charge(token)
    return _settle(charge, State.CANCELLED, now) if charge.is_payable else charge


@transaction.atomic
def cancel_charge(*, unstarted: Charge, now: datetime) -> Charge:
    """Cancel the charge of a reference for the shop, started or not; a paid charge stays paid."""
    Charge.objects.bulk_create([unstarted], ignore_conflicts=True)
    charge = Charge.objects.select_for_update().get(reference=unstarted.reference)
    if charge.is_payable:
        charge.settled_at = now
        _set_state(charge, State.CANCELLED)
    return charge


@transaction.atomic
def refund_charge(*, reference: str, amount: int, key: str) -> None:
    """Give back an amount of a paid charge, once for each key.

    Raise Charge.DoesNotExist, or RefundRefusedError if the charge is not paid or would give back more than was paid.
    """
    charge = Charge.objects.select_for_update().get(reference=reference)
    if ChargeRefund.objects.filter(charge=charge, key=key).exists():
        return
    given_back = charge.refunds.aggregate(sum=Sum("amount", default=0))["sum"]
    if charge.state != State.CAPTURED or not 0 < amount <= charge.amount - given_back:
        raise RefundRefusedError(
            f"{amount} of charge {reference} cannot go back: it is {charge.state}, {given_back} went of {charge.amount}"
        )
    ChargeRefund.objects.create(charge=charge, key=key, amount=amount)
    if given_back + amount == charge.amount:
        _set_state(charge, State.REFUNDED)


def _lock_charge(token: str) -> Charge:
    return Charge.objects.select_for_update().get(token=token)


def _settle(charge: Charge, state: Charge.State, now: datetime) -> Charge:
    charge.settled_at = now
    _set_state(charge, state)
    transaction.on_commit(lambda: tasks.enqueue_notice(charge.pk), robust=True)
    return charge


def _set_state(charge: Charge, state: Charge.State) -> Charge:
    charge.state = state
    charge.save(update_fields=["state", "settled_at"])
    return charge
