"""State of the outbox's rows: claim a letter, and record how its sending ended."""

from __future__ import annotations

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
    Letter.objects.filter(pk=letter.pk).update(sent_at=now, due_at=None, problem="")


def mark_failed(letter: Letter, problem: str, *, permanent: bool, now: datetime) -> None:
    """Record why the letter was not taken; give it up if that is for good or it is too old."""
    is_over = permanent or letter.created_at + TRIES_PERIOD < now
    changes: dict[str, Any] = {"due_at": None} if is_over else {}
    Letter.objects.filter(pk=letter.pk).update(problem=problem[:PROBLEM_LENGTH], **changes)


def send_again(letter_ids: Collection[int], now: datetime) -> set[int]:
    """Make letters due that were given up; return their keys."""
    with transaction.atomic():
        given_up = Letter.objects.filter(pk__in=letter_ids, due_at=None, sent_at=None).order_by("pk")
        letters = list(given_up.select_for_update(no_key=True, of=("self",)).select_related("order"))
        keys = {letter.pk for letter in letters}
        Letter.objects.filter(pk__in=keys).update(due_at=now, created_at=now)
        log_changes((letter, {"due_at": (None, now)}) for letter in letters)
    return keys
