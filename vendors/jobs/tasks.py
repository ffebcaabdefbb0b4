"""Background tasks of jobs; they have a queue of their own, so a long job keeps nothing else waiting."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task
from django.utils import timezone

from vendors.nudge import nudge


def enqueue_job(uuid: UUID) -> None:
    """Enqueue a job; without a broker its row stays due, and the sweep does it."""
    nudge(run_job, str(uuid))


LONGEST = 4 * 3600  # seconds of a job; its lease is renewed with each batch, so another worker never has it meanwhile


@shared_task(name="jobs.run_job", soft_time_limit=LONGEST, time_limit=LONGEST + 60)
def run_job(uuid: str) -> None:
    """Do a job, unless a worker has it."""
    from vendors.jobs import running  # noqa: PLC0415 -- app ready

    running.run_by_uuid(UUID(uuid))


@shared_task(name="jobs.sweep_jobs", soft_time_limit=LONGEST, time_limit=LONGEST + 60)
def sweep_jobs() -> None:
    """Do the jobs whose nudge was lost or whose worker died, and delete old ones."""
    from vendors.jobs import retention, running  # noqa: PLC0415 -- app ready

    running.run_due_jobs()
    retention.delete_old_jobs(timezone.now())
