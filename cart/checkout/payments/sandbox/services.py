"""What happens to a charge at the pretend company."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cart.checkout.payments.sandbox import tasks
from cart.checkout.payments.sandbox.cards import Fate
from cart.checkout.payments.sandbox.models import Charge

State = Charge.State


@transaction.atomic
def try_card(*, token: str, fate: Fate, now: datetime) -> Charge:
    """Charge a card; a charge that is not open stays as it is, so a second press changes nothing."""
    charge = _locked(token)
    if charge.state != State.OPEN:
        return charge
    if fate is Fate.SECURE:
        return _become(charge, State.CHALLENGED)
    return _settle(charge, State.DECLINED if fate is Fate.DECLINED else State.CAPTURED, now)


@transaction.atomic
def answer_challenge(*, token: str, confirmed: bool, now: datetime) -> Charge:
    """The bank's answer after 3-D Secure."""
    charge = _locked(token)
    if charge.state != State.CHALLENGED:
        return charge
    return _settle(charge, State.CAPTURED if confirmed else State.DECLINED, now)


@transaction.atomic
def give_up(*, token: str, now: datetime) -> Charge:
    """The shopper goes back to the shop without paying."""
    charge = _locked(token)
    return _settle(charge, State.CANCELLED, now) if charge.is_payable else charge


@transaction.atomic
def close(*, reference: str, now: datetime) -> Charge:
    """The shop closes a charge; one that is paid stays paid."""
    charge = Charge.objects.select_for_update().get(reference=reference)
    if charge.is_payable:
        charge.settled_at = now
        _become(charge, State.CANCELLED)
    return charge


@transaction.atomic
def refund(*, reference: str) -> Charge:
    """Give a paid charge back; twice gives back once."""
    charge = Charge.objects.select_for_update().get(reference=reference)
    return _become(charge, State.REFUNDED) if charge.state == State.CAPTURED else charge


def _locked(token: str) -> Charge:
    return Charge.objects.select_for_update().get(token=token)


def _settle(charge: Charge, state: Charge.State, now: datetime) -> Charge:
    charge.settled_at = now
    _become(charge, state)
    transaction.on_commit(lambda: tasks.announce(charge.pk), robust=True)
    return charge


def _become(charge: Charge, state: Charge.State) -> Charge:
    charge.state = state
    charge.save(update_fields=["state", "settled_at"])
    return charge
