"""Beat's scheduler: it sends nothing to a queue in which messages wait already.

Workers that are away would find hours of the same few words otherwise. An expiry of each message would not do: it is a
moment by beat's clock, judged by the worker's.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.beat import PersistentScheduler

from mall.metrics import QUEUED
from mall.queues import depth_of

logger = logging.getLogger(__name__)

DEEP = 50
"""Messages; beat's entries are a dozen."""


class Scheduler(PersistentScheduler):
    """Celery's scheduler, which holds its tongue before a deep queue."""

    def apply_entry(self, entry: Any, producer: Any = None) -> None:
        """Send the message of an entry, unless its queue is deep."""
        queue = self.app.amqp.router.route({}, entry.task)["queue"].name
        try:
            depth = depth_of(queue)
            QUEUED.labels(queue).set(depth)
            deep = depth >= DEEP
        except Exception as error:  # noqa: BLE001 -- any error of the broker's client; sending it will say more
            logger.warning("The queue %s cannot be looked at: %s", queue, error)
            deep = False
        if deep:
            logger.warning("%s is not sent: %d messages or more wait in %s.", entry.task, DEEP, queue)
        else:
            super().apply_entry(entry, producer=producer)
