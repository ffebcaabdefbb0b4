"""The queues of the broker: how many messages wait in each."""

from __future__ import annotations

from typing import Any

from kombu.exceptions import ChannelError

from vendors import task_queue

NAMES = ("celery", "dispatch", "jobs")
SECONDS = 1.0


def depth_of(queue: str) -> int:
    """Return the number of messages that wait in a queue. Raise an error of the broker's client where it is away."""
    with task_queue.connect(SECONDS) as connection:
        channel: Any = connection.channel()  # the stubs know its base alone
        try:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except ChannelError:
            return 0  # no message was ever sent there
