"""Ends what has expired and tells what happened: in small batches, so that nobody waits for it; one at a time."""

from __future__ import annotations

import datetime
import logging
import time

from django.utils import timezone

from sessions_farm.conf import options
from sessions_farm.session import events
from sessions_farm.session.locks import LockTimeoutError, LockTimeouts, SessionLock, acquiring
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync

logger = logging.getLogger(__name__)

LEASE = "sweep"
PATIENCE = LockTimeouts(
    wait=0, lease=2
)  # so long nobody sweeps after one who was killed at it; begun anew at each batch
BATCHES = 100  # in one run; the next run goes on
TELLING = 100  # events that a run tells in its first transaction; the next are as many as the lease has time for
LONG = 0.5  # seconds of one transaction
REST = 0.02  # seconds between two batches, for everybody else


def sweep(now: datetime.datetime | None = None) -> int:
    """Sweep until nothing is due or a run's batches are done, and tell the events; return how many batches.

    Another sweeper's lease, or a store that is away, leaves it to the next run.
    """
    moment = int((now or timezone.now()).timestamp() * 1000)
    store = current_store()
    try:
        lease = run_sync(acquiring(store, LEASE, PATIENCE))
    except (LockTimeoutError, StoreUnavailableError) as error:
        logger.info("Sessions are not swept now: %s", error)
        return 0
    try:
        return swept(moment, lease)
    except StoreUnavailableError as error:
        logger.warning("Sessions were not swept to the end: %s", error)
        return 0
    finally:
        run_sync(lease.releasing())


def swept(moment: int, lease: SessionLock) -> int:
    size, batches = options().sweep_batch, 0
    telling = min(TELLING, size)
    while batches < BATCHES and run_sync(lease.prolonging(PATIENCE)):
        found = run_sync(current_store().sweep(moment, size))
        batches, begun = batches + 1, time.monotonic()
        told = events.deliver(telling)
        if found < size and told < telling:
            break
        telling = max(telling // 2, 1) if time.monotonic() - begun > LONG else min(telling * 2, size)
        time.sleep(REST)
    events.forget_told(moment)
    return batches
