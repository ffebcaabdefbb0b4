"""Retention of rows that grow with time: each kind has an age, and goes in short batches.

Several workers may purge at once: each takes rows that no other has locked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from auditlog.models import LogEntry
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from prometheus_client import Counter

from cart.letters.models import Letter
from cart.stock_alerts.models import CONFIRMED_WITHIN, StockAlert
from shipping.models import Attempt, ScriptRun
from shipping.states import State

PURGED = Counter("mall_rows_purged", "Rows deleted because of their age.", ["kind"])
BATCH = 1000
LETTER_KEPT = timedelta(days=30)
MOST_BATCHES = 100  # of a kind in one run; the next run goes on


def old_audit_rows(now: datetime) -> QuerySet[Any]:
    """Return the back office's log of changes that is older than AUDIT_DAYS."""
    found: QuerySet[Any] = LogEntry.objects.filter(timestamp__lt=now - timedelta(days=settings.AUDIT_DAYS))
    return found


def old_attempts(now: datetime) -> QuerySet[Attempt]:
    """Return the attempts older than ATTEMPT_DAYS of dispatches that their departments acknowledged."""
    before = now - timedelta(days=settings.ATTEMPT_DAYS)
    return Attempt.objects.filter(ended_at__lt=before, dispatch__state=State.ACKED)


def old_alerts(now: datetime) -> QuerySet[StockAlert]:
    """Return the stock alerts that were not confirmed in time, waited for STOCK_ALERT_DAYS, or got their letter."""
    unconfirmed = Q(confirmed_at=None, asked_at__lt=now - CONFIRMED_WITHIN)
    sent = Q(sent_at__lt=now - LETTER_KEPT)
    found: QuerySet[StockAlert] = StockAlert.objects.filter(
        unconfirmed | sent | Q(sent_at=None, asked_at__lt=now - timedelta(days=settings.STOCK_ALERT_DAYS))
    )
    return found


def old_letters_about_goods(now: datetime) -> QuerySet[Letter]:
    """Return the letters about goods that are sent or given up; those about orders go with their buyers."""
    found: QuerySet[Letter] = Letter.objects.filter(order=None, due_at=None, created_at__lt=now - LETTER_KEPT)
    return found


def old_script_runs(now: datetime) -> QuerySet[ScriptRun]:
    """Return the scripts that ended on an agent before ATTEMPT_DAYS, with their output."""
    return ScriptRun.objects.filter(ended_at__lt=now - timedelta(days=settings.ATTEMPT_DAYS))


KINDS: dict[str, Callable[[datetime], QuerySet[Any]]] = {
    "audit rows": old_audit_rows,
    "attempts": old_attempts,
    "stock alerts": old_alerts,
    "letters about goods": old_letters_about_goods,
    "script runs": old_script_runs,
}


def purge(now: datetime) -> dict[str, int]:
    """Delete the rows past their age; return the number of rows by kind."""
    return {kind: _purge_kind(kind, old(now)) for kind, old in KINDS.items()}


def _purge_kind(kind: str, old: QuerySet[Any]) -> int:
    gone = 0
    for _ in range(MOST_BATCHES):
        count = _purge_batch(old)
        gone += count
        PURGED.labels(kind).inc(count)
        if count < BATCH:
            break
    return gone


@transaction.atomic
def _purge_batch(old: QuerySet[Any]) -> int:
    """Delete a batch by its keys alone: neither signals nor rows that hang on it are looked for, for none do."""
    locked = old.order_by("pk").select_for_update(skip_locked=True, of=("self",))
    keys = list(locked.values_list("pk", flat=True)[:BATCH])
    of_batch = old.model._base_manager.filter(pk__in=keys)
    return int(of_batch._raw_delete(of_batch.db)) if keys else 0  # noqa: SLF001 -- Django's way around its collector
