"""Ends what has expired and tells what happened: in small batches, so that nobody waits for it; one at a time."""

from __future__ import annotations

import datetime
import logging
import time

from django.utils import timezone

from sessions_farm import events
from sessions_farm.conf import options
from sessions_farm.exclusive import Busy, Patience, acquiring
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailable
from sessions_farm.stores.steps import run

logger = logging.getLogger(__name__)

LEASE = "sweep"
BATCHES = 100  # in one run; the next run goes on
REST = 0.02  # seconds between two batches, for everybody else


def sweep(now: datetime.datetime | None = None) -> int:
    """Sweep until nothing is due or a run's batches are done, and tell the events; return how many batches.

    Another sweeper's lease, or a store that is away, leaves it to the next run.
    """
    moment = int((now or timezone.now()).timestamp() * 1000)
    store = current_store()
    try:
        lease = run(acquiring(store, LEASE, Patience(wait=0, lease=60)))
    except (Busy, StoreUnavailable) as error:
        logger.info("Sessions are not swept now: %s", error)
        return 0
    try:
        return swept(moment)
    except StoreUnavailable as error:
        logger.warning("Sessions were not swept to the end: %s", error)
        return 0
    finally:
        run(lease.releasing())


def swept(moment: int) -> int:
    size, batches = options().sweep_batch, 0
    while batches < BATCHES:
        found = run(current_store().sweep(moment, size))
        batches += 1
        told = events.deliver(size)
        if found < size and told < size:
            break
        time.sleep(REST)
    events.forget_told(moment)
    return batches
