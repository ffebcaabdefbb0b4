"""Deliver events of sessions to signals, each once: the store wrote the event in the step that it reports.

Receivers run in a database transaction together with the row that dedups the event (DeliveredEvent), so their work in
SQL happens exactly once, whoever is killed in between (transactional outbox and idempotent receiver: Hohpe and Woolf,
"Enterprise Integration Patterns"). Their work elsewhere may happen again after a crash: also that in another database,
where a router has put the rows of DeliveredEvent there. The default database is committed before those rows are.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from django.db import DEFAULT_DB_ALIAS, IntegrityError, router, transaction
from django.dispatch import Signal

from sessions_farm.clock import now_ms
from sessions_farm.models import DeliveredEvent
from sessions_farm.session import metrics
from sessions_farm.session.queries import decoded
from sessions_farm.signals import session_ended, session_merged, session_rotated, session_started
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Event
from sessions_farm.stores.effects.effects import run_sync

if TYPE_CHECKING:
    from django.db.models import QuerySet

logger = logging.getLogger(__name__)

RETRY_FOR_MS = 24 * 3_600_000  # how long an event whose receiver fails is tried again


def deliver_events(limit: int = 500) -> int:
    """Deliver up to ``limit`` events, the oldest first; return how many were settled.

    A receiver that raises undoes its own work only, is logged, and receives the event again at the next delivery.
    Events in another process's delivery (one that was slower than the sweeper's lock) are left to it.
    """
    store = current_store()
    with receivers_transaction():
        events = run_sync(store.read_events(limit))
        known = delivered_ids(events)
        fresh = [event for event in events if event.id not in known]
        if not mark_delivered(fresh):
            return 0
        settled = {*known, *send_all(fresh)}
        unmark_delivered(event.id for event in fresh if event.id not in settled)
    run_sync(store.forget_events(settled))
    for event in (event for event in events if event.id in settled):
        metrics.EVENTS.labels(event.kind, event.reason).inc()
    return len(settled)


def marks() -> QuerySet[DeliveredEvent]:
    """Return the dedup rows, in the database that they are written to."""
    return DeliveredEvent.objects.using(router.db_for_write(DeliveredEvent))


@contextmanager
def receivers_transaction() -> Iterator[None]:
    """Open a transaction, or a savepoint, of the dedup rows' database, and in it one of the default database."""
    with ExitStack() as stack:
        for alias in dict.fromkeys([marks().db, DEFAULT_DB_ALIAS]):
            stack.enter_context(transaction.atomic(using=alias))
        yield


def delivered_ids(events: Iterable[Event]) -> set[str]:
    """Return the ids of events that were delivered by a process that died before the store could forget them."""
    return set(marks().filter(id__in=[event.id for event in events]).values_list("id", flat=True))


def mark_delivered(events: list[Event]) -> bool:
    """Insert the dedup rows; return False where another transaction inserted one first (this waits for its end)."""
    now = now_ms()
    try:
        with transaction.atomic(using=marks().db):
            marks().bulk_create(DeliveredEvent(id=event.id, at_ms=now) for event in events)
    except IntegrityError:
        return False
    return True


def unmark_delivered(ids: Iterable[str]) -> None:
    """Delete the dedup rows of events that are to be delivered again."""
    if listed := list(ids):
        marks().filter(id__in=listed).delete()


def send_all(events: list[Event]) -> list[str]:
    """Send the events, all in one savepoint; one by one only where a receiver failed. Return the settled ids."""
    try:
        with receivers_transaction():
            for event in events:
                send_signals(event)
    except Exception:  # noqa: BLE001 -- the failing one is found below
        return [event.id for event in events if send_or_log(event)]
    return [event.id for event in events]


def send_or_log(event: Event) -> bool:
    """Send one event; return whether every receiver succeeded, or it is too late to try again."""
    try:
        with receivers_transaction():
            send_signals(event)
    except Exception:
        logger.exception("A receiver of the session event %s (%s) failed.", event.kind, event.id)
        return now_ms() - event.at > RETRY_FOR_MS
    return True


def send_signals(event: Event) -> None:
    """Send the signals of one event."""
    for signal in signals_of(event):
        if signal.has_listeners(Event):
            signal.send(
                sender=Event,
                handle=event.key,
                at=event.at,
                reason=event.reason,
                other=event.other,
                shared=dict(decoded(event.shared.items())),
            )


def signals_of(event: Event) -> list[Signal]:
    """Return the signals of an event; a merge is also an end."""
    if event.kind == "started":
        return [session_started]
    if event.kind == "rotated":
        return [session_rotated]
    return [session_merged, session_ended] if event.reason == "merged" else [session_ended]


def delete_old_marks(now: int) -> None:
    """Delete dedup rows of events that the store has forgotten long ago."""
    marks().filter(at_ms__lt=now - 2 * RETRY_FOR_MS).delete()
