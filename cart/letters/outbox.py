"""State of the outbox's rows: claim a letter, and record how its sending ended."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from cart.backoff import delay_after
from cart.letters.models import PROBLEM_LENGTH, TRIES_PERIOD, Letter
from vendors.audit import log_changes

FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=5), timedelta(hours=3)


def claim_letter(letter: Letter, now: datetime) -> bool:
    """Claim the sending of a letter until its next try is due; return False if another worker has it."""
    wait = delay_after(letter.tries + 1, first=FIRST_DELAY, longest=LONGEST_DELAY)
    due = Letter.objects.due(now).filter(pk=letter.pk, tries=letter.tries)
    return bool(due.update(tries=F("tries") + 1, due_at=now + wait))


def mark_sent(letter: Letter, now: datetime) -> None:
    """Record that the mail server took the letter."""
    sent: dict[str, Any] = {"sent_at": now, "due_at": None, "refused_at": None, "problem": ""}
    Letter.objects.filter(pk=letter.pk).update(sent_to=letter.addressee, **sent)


def mark_failed(letter: Letter, problem: str, *, permanent: bool, now: datetime) -> None:
    """Record why the letter was not taken; give it up if that is for good or it is too old."""
    is_over = permanent or letter.created_at + TRIES_PERIOD < now
    changes: dict[str, Any] = {"due_at": None} if is_over else {}
    changes |= {"refused_at": now} if permanent else {}
    Letter.objects.filter(pk=letter.pk).update(problem=problem[:PROBLEM_LENGTH], sent_to=letter.addressee, **changes)


def send_again(letter_ids: Collection[int], now: datetime) -> set[int]:
    """Make letters due that were given up; return their keys."""
    with transaction.atomic():
        given_up = Letter.objects.given_up().filter(pk__in=letter_ids).order_by("pk")
        letters = list(given_up.select_for_update(no_key=True, of=("self",)).select_related("order"))
        keys = {letter.pk for letter in letters}
        Letter.objects.filter(pk__in=keys).update(due_at=now, created_at=now, refused_at=None)
        log_changes((letter, {"due_at": (None, now)}) for letter in letters)
    return keys


def send_elsewhere(letter_id: int, to: str, now: datetime) -> bool:
    """Make a letter due that was sent or given up, at another address; return False for one that waits.

    It gets a new Message-ID: the mail program that has the first copy may be the one that gets this.
    """
    with transaction.atomic():
        letters = Letter.objects.filter(pk=letter_id, due_at=None).select_related("order")
        letter = letters.select_for_update(no_key=True, of=("self",)).first()
        if letter is None:
            return False
        before = letter.sent_to
        Letter.objects.filter(pk=letter.pk).update(
            to=to, uuid=uuid.uuid4(), due_at=now, created_at=now, sent_at=None, refused_at=None, problem=""
        )
        log_changes([(letter, {"to": (before, to), "due_at": (None, now)})])
    return True


def send_refused_again(order_id: int, now: datetime) -> None:
    """Make the letters due that the buyer's old address refused; they go to the order's address of now."""
    refused = Letter.objects.refused().filter(order=order_id, to="")
    send_again(refused.values_list("pk", flat=True), now)
