"""Tells what happened to sessions, each event once: the store wrote it down in the step that did it.

Receivers run in a database transaction together with the note that the event was told, so what they do in SQL happens
exactly once, whoever is killed in between (the outbox and the idempotent receiver: Hohpe and Woolf, "Enterprise
Integration Patterns"). What they do elsewhere may happen again after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.dispatch import Signal

from sessions_farm import metrics
from sessions_farm.models import DeliveredEvent
from sessions_farm.session.queries import decoded
from sessions_farm.signals import session_ended, session_merged, session_rotated, session_started
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Event, now_ms
from sessions_farm.stores.effects.effects import run_sync

logger = logging.getLogger(__name__)

PATIENCE_MS = 24 * 3_600_000  # how long an event whose receiver fails is tried again


def deliver(limit: int = 500) -> int:
    """Tell up to ``limit`` events, the oldest first; return how many were settled.

    A receiver that raises undoes its own work only, is logged, and hears the event again at the next delivery. What
    another is telling at this moment (one who was slower than the sweeper's lease) is left to that.
    """
    store = current_store()
    with transaction.atomic():
        events = run_sync(store.read_events(limit))
        known = told(events)
        fresh = [event for event in events if event.id not in known]
        if not note(fresh):
            return 0
        settled = {*known, *tell_all(fresh)}
        forget_notes(event.id for event in fresh if event.id not in settled)
    run_sync(store.forget_events(settled))
    for event in (event for event in events if event.id in settled):
        metrics.EVENTS.labels(event.kind, event.reason).inc()
    return len(settled)


def told(events: Iterable[Event]) -> set[str]:
    """Ids of events that were told by somebody who died before the store could forget them."""
    return set(DeliveredEvent.objects.filter(id__in=[event.id for event in events]).values_list("id", flat=True))


def note(events: list[Event]) -> bool:
    """Note that they are told now; False where another noted one of them first: this waits for the other's end."""
    now = now_ms()
    try:
        with transaction.atomic():
            DeliveredEvent.objects.bulk_create(DeliveredEvent(id=event.id, at_ms=now) for event in events)
    except IntegrityError:
        return False
    return True


def forget_notes(ids: Iterable[str]) -> None:
    """They are to be told again."""
    if listed := list(ids):
        DeliveredEvent.objects.filter(id__in=listed).delete()


def tell_all(events: list[Event]) -> list[str]:
    """The ids of those that are settled. All at once; one by one only where a receiver failed."""
    try:
        with transaction.atomic():
            for event in events:
                send(event)
    except Exception:  # noqa: BLE001 -- which of them it was is found out below
        return [event.id for event in events if tell(event)]
    return [event.id for event in events]


def tell(event: Event) -> bool:
    """Whether all who wanted to hear did, or it is too late to try again."""
    try:
        with transaction.atomic():
            send(event)
    except Exception:
        logger.exception("A receiver of the session event %s (%s) failed.", event.kind, event.id)
        return now_ms() - event.at > PATIENCE_MS
    return True


def send(event: Event) -> None:
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
    if event.kind == "started":
        return [session_started]
    if event.kind == "rotated":
        return [session_rotated]
    return [session_merged, session_ended] if event.reason == "merged" else [session_ended]


def forget_told(now: int) -> None:
    """Notes of what was told are of no use once the store has forgotten the event."""
    DeliveredEvent.objects.filter(at_ms__lt=now - 2 * PATIENCE_MS).delete()
