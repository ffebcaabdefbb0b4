"""Removes what has expired: sessions, tombstones, codes; in small batches, so that nobody waits for it."""

from __future__ import annotations

import datetime
import logging

from django.utils import timezone

from sessions_farm.conf import options
from sessions_farm.stores import current_store
from sessions_farm.stores.base import StoreUnavailable
from sessions_farm.stores.steps import run

logger = logging.getLogger(__name__)

BATCHES = 100  # in one run; the next run goes on


def sweep(now: datetime.datetime | None = None) -> int:
    """Sweep until nothing is due or a run's batches are done; return how many batches. A store that is away waits."""
    moment = int((now or timezone.now()).timestamp() * 1000)
    size = options().sweep_batch
    for batch in range(BATCHES):
        try:
            if run(current_store().sweep(moment, size)) < size:
                return batch + 1
        except StoreUnavailable as error:
            logger.warning("Sessions were not swept: %s", error)
            return batch
    return BATCHES
