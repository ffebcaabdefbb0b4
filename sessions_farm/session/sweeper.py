"""End expired sessions and deliver events: in small batches, so that no request waits; one process at a time."""

from __future__ import annotations

import datetime
import logging
import time

from sessions_farm.clock import now_ms
from sessions_farm.conf import options
from sessions_farm.session import events, metrics
from sessions_farm.session.locks import LockTimeoutError, LockTimeouts, SessionLock, acquire_effects
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.stores.effects.effects import run_sync

logger = logging.getLogger(__name__)

LOCK = "sweep"
# After a sweeper was killed nothing is swept for that long; each batch begins the lease anew.
TIMEOUTS = LockTimeouts(wait=0, lease=2)
MAX_BATCHES = 100  # in one run; the next run goes on
FIRST_DELIVERY = 100  # events of a run's first transaction; the next are as many as the lease has time for
LONG_DELIVERY = 0.5  # seconds of one transaction
COUNT_EVERY = 60.0  # seconds between two counts of the live sessions
PAUSE = 0.02  # seconds between two batches, for everything else


def sweep(now: datetime.datetime | None = None) -> int:
    """Sweep until nothing is due or a run's batches are done, and deliver the events; return the number of batches.

    Where another sweeper holds the lock, or the store is away, the next run does it.
    """
    try:
        lock = run_sync(acquire_effects(current_store(), LOCK, TIMEOUTS))
    except (LockTimeoutError, StoreUnavailableError) as error:
        logger.info("Sessions are not swept now: %s", error)
        return 0
    try:
        return sweep_batches(int(now.timestamp() * 1000) if now else now_ms(), lock)
    except StoreUnavailableError as error:
        logger.warning("Sessions were not swept to the end: %s", error)
        return 0
    finally:
        run_sync(lock.release_effects())


def sweep_batches(moment: int, lock: SessionLock) -> int:
    """Sweep batch by batch while the lock is held; return the number of batches."""
    size, batches = options().sweep_batch, 0
    delivery = min(FIRST_DELIVERY, size)
    while batches < MAX_BATCHES and run_sync(lock.extend_effects(TIMEOUTS)):
        found = run_sync(current_store().sweep(moment, size))
        batches, begun = batches + 1, time.monotonic()
        delivered = events.deliver_events(delivery)
        if found < size and delivered < delivery:
            break
        is_long = time.monotonic() - begun > LONG_DELIVERY
        delivery = max(delivery // 2, 1) if is_long else min(delivery * 2, size)
        time.sleep(PAUSE)
    events.delete_old_marks(moment)
    count_live(moment)
    return batches


_counted = float("-inf")  # monotonic seconds


def count_live(moment: int) -> None:
    """Count the live sessions for the metrics, where this process has not done so lately."""
    global _counted  # noqa: PLW0603 -- of the process, as the gauge is
    if time.monotonic() - _counted > COUNT_EVERY:
        _counted = time.monotonic()
        metrics.LIVE.set(run_sync(current_store().count(moment)))
