"""Telling a worker of work, without anybody waiting for the broker.

The rows are the queue: a nudge that is lost costs at most the wait for the next sweep. So it is sent from a thread of
its own with short timeouts, and a broker that failed is left alone for a while. (With ``apply_async`` on Celery's own
connections a page took seconds where the broker refused them, ``retry=False`` or not.)
"""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog
from django.conf import settings
from kombu import Connection

log = structlog.get_logger(__name__)

SOCKET_SECONDS = 0.5
REST_SECONDS = 5.0
OPTIONS: dict[str, Any] = {
    "socket_timeout": SOCKET_SECONDS,
    "socket_connect_timeout": SOCKET_SECONDS,
    "retry_on_timeout": False,
    "max_retries": 0,
}


class Nudge:
    """One a process; remembers only until when the broker is left alone."""

    def __init__(self) -> None:
        self.rests_until = 0.0

    def __call__(self, task: Any, *args: int) -> threading.Thread | None:
        """Start sending and return at once; None while the broker rests."""
        if time.monotonic() < self.rests_until:
            return None
        thread = threading.Thread(target=self.send, args=(task, args), name="nudge", daemon=True)
        thread.start()
        return thread

    def send(self, task: Any, args: tuple[int, ...]) -> None:
        try:
            with Connection(
                settings.CELERY_BROKER_URL, connect_timeout=SOCKET_SECONDS, transport_options=OPTIONS
            ) as line:
                task.apply_async(args, connection=line, retry=False)
        except Exception as error:  # noqa: BLE001 -- whatever the broker's client raises; nobody waits for this thread
            self.rests_until = time.monotonic() + REST_SECONDS
            log.warning("nudge_not_sent", task=task.name, args=args, reason=str(error))


nudge = Nudge()
