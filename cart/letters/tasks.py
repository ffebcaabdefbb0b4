"""Background task of the outbox."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from cart.letters import sending
from vendors.nudge import nudge


def enqueue_letter(uuid: UUID) -> None:
    """Enqueue a letter; without a broker the row stays due, and the sweep sends it."""
    nudge(send_letter, str(uuid))


@shared_task(name="letters.send_letter")
def send_letter(uuid: str) -> None:
    """Send a letter, unless it is sent already."""
    sending.send_by_uuid(UUID(uuid))
