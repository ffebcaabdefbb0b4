"""Nudges: enqueue a Celery task in the background, so no request waits for the broker.

The rows are the queue: a lost nudge costs at most the wait for the next sweep. So it is sent from a thread of its own
with short timeouts, behind a circuit breaker. (With ``apply_async`` on Celery's own connections a page took seconds
when the broker refused them, ``retry=False`` or not.)
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from typing import Any

from vendors import task_queue

logger = logging.getLogger(__name__)

SOCKET_SECONDS = 0.5
CIRCUIT_OPEN_SECONDS = 5.0


class Nudge:
    """Enqueue tasks with a circuit breaker; one a process."""

    def __init__(self) -> None:
        self.circuit_open_until = 0.0

    def __call__(self, task: Any, *args: int | str) -> threading.Thread | None:
        """Start the sending thread and return it; None while the circuit is open."""
        if time.monotonic() < self.circuit_open_until:
            return None
        # With the request's id, which the task's lines in the log then bear too.
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(self.send, task, args), name="nudge", daemon=True)
        thread.start()
        return thread

    def send(self, task: Any, args: tuple[int | str, ...]) -> None:
        """Enqueue the task; open the circuit after an error."""
        try:
            with task_queue.connect(SOCKET_SECONDS) as connection:
                task.apply_async(args, connection=connection, retry=False)
        except Exception as error:  # noqa: BLE001 -- any error of the broker's client; no caller waits for this thread
            self.circuit_open_until = time.monotonic() + CIRCUIT_OPEN_SECONDS
            logger.warning("Task %s%s is not enqueued: %s", task.name, args, error)


nudge = Nudge()
