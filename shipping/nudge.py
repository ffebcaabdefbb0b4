"""Waking the drain after a commit, without anybody waiting for the broker.

The rows are the queue; a lost nudge costs at most the beat's five seconds. So it is sent from a thread of its own with
short timeouts, and a broker that failed is left alone for a while.
"""

import threading
import time
from typing import Any

import structlog
from django.conf import settings
from kombu import Connection
from kombu.exceptions import KombuError

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

    def __call__(self) -> threading.Thread | None:
        """Start sending and return at once; None while the broker rests."""
        if time.monotonic() < self.rests_until:
            return None
        thread = threading.Thread(target=self.send, name="shipping-nudge", daemon=True)
        thread.start()
        return thread

    def send(self) -> None:
        from shipping.tasks import drain  # noqa: PLC0415 -- the task needs the models, the receivers need only this

        try:
            with Connection(
                settings.CELERY_BROKER_URL, connect_timeout=SOCKET_SECONDS, transport_options=OPTIONS
            ) as line:
                drain.apply_async(connection=line, retry=False)  # type: ignore[call-arg]  # missing in the stubs
        except (KombuError, OSError) as error:
            self.rests_until = time.monotonic() + REST_SECONDS
            log.warning("nudge_not_sent", reason=str(error))  # the next look at the outbox finds the work


nudge = Nudge()
