"""Tells what happened to sessions, each event once: the store wrote it down in the step that did it.

Receivers run in a database transaction together with the note that the event was told, so what they do in SQL happens
exactly once, whoever is killed in between (the outbox and the idempotent receiver: Hohpe and Woolf, "Enterprise
Integration Patterns"). What they do elsewhere may happen again after a crash.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import transaction
from django.dispatch import Signal

from sessions_farm import metrics
from sessions_farm.broker import decoded
from sessions_farm.models import ToldEvent
from sessions_farm.signals import session_ended, session_merged, session_rotated, session_started
from sessions_farm.stores import current_store
from sessions_farm.stores.base import Event, now_ms
from sessions_farm.stores.steps import run

logger = logging.getLogger(__name__)

PATIENCE_MS = 24 * 3_600_000  # how long an event whose receiver fails is tried again


def deliver(limit: int = 500) -> int:
    """Tell up to ``limit`` events, the oldest first; return how many were settled.

    A receiver that raises undoes its own work only, is logged, and hears the event again at the next delivery.
    """
    store = current_store()
    with transaction.atomic():
        events = run(store.read_events(limit))
        known = told(events)
        settled = [event.id for event in events if event.id in known or tell(event)]
        now = now_ms()
        ToldEvent.objects.bulk_create(
            ToldEvent(id=event_id, at_ms=now) for event_id in settled if event_id not in known
        )
    run(store.forget_events(settled))
    return len(settled)


def told(events: Iterable[Event]) -> set[str]:
    """Ids of events that were told by somebody who died before the store could forget them."""
    return set(ToldEvent.objects.filter(id__in=[event.id for event in events]).values_list("id", flat=True))


def tell(event: Event) -> bool:
    """Whether all who wanted to hear did, or it is too late to try again."""
    try:
        with transaction.atomic():
            for signal in signals_of(event):
                signal.send(
                    sender=Event,
                    handle=event.key,
                    at=event.at,
                    reason=event.reason,
                    other=event.other,
                    shared=dict(decoded(event.shared.items())),
                )
    except Exception:
        logger.exception("A receiver of the session event %s (%s) failed.", event.kind, event.id)
        return now_ms() - event.at > PATIENCE_MS
    metrics.EVENTS.labels(event.kind, event.reason).inc()
    return True


def signals_of(event: Event) -> list[Signal]:
    if event.kind == "started":
        return [session_started]
    if event.kind == "rotated":
        return [session_rotated]
    return [session_merged, session_ended] if event.reason == "merged" else [session_ended]


def forget_told(now: int) -> None:
    """Notes of what was told are of no use once the store has forgotten the event."""
    ToldEvent.objects.filter(at_ms__lt=now - 2 * PATIENCE_MS).delete()
