"""Running of jobs: claimed with a lease, done, and finished with a summary."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from vendors.audit import acting
from vendors.jobs.errors import JobError, JobRefusedError
from vendors.jobs.kinds import KINDS
from vendors.jobs.models import Job
from vendors.jobs.run import LEASE, Run
from vendors.models import Membership
from vendors.people import SEES_ALL

logger = logging.getLogger(__name__)
CLAIMS = 5  # a job that kills its worker each time is given up
AWAY = "It was begun five times, and its worker ended each time. Nothing more is tried; ask the mall."


def claim_job(job: Job, now: datetime) -> bool:
    """Claim a due job for a lease; return False if another worker has it, or it was begun too often."""
    if job.claim >= CLAIMS:
        _finish(job, Job.State.REFUSED, AWAY)
        return False
    changed = Job.objects.due(now).filter(pk=job.pk, claim=job.claim).update(
        claim=F("claim") + 1, state=Job.State.RUNNING, due_at=now + LEASE
    )  # fmt: skip
    job.refresh_from_db()
    return bool(changed)


def run_job(job: Job) -> None:
    """Do a job that is due; its end is written down in any case."""
    if not claim_job(job, timezone.now()):
        return
    try:
        _require_role(job)
        summary = KINDS[job.kind].run(Run(job))
    except JobRefusedError as error:
        _finish(job, Job.State.REFUSED, str(error))
    except JobError as error:
        logger.info("%s", error)
    except Exception:
        logger.exception("Job %s (%s) failed at row %s", job.pk, job.kind, job.position)
        _finish(job, Job.State.REFUSED, f"An error of the mall’s own ended it after {job.position} of {job.total}.")
    else:
        _finish(job, Job.State.FINISHED, summary)


def run_by_uuid(uuid: UUID) -> None:
    """Do a job in the name of the person who started it, unless a worker has it."""
    job = Job.objects.due(timezone.now()).select_related("user", "vendor").filter(uuid=uuid).first()
    if job is not None:
        with acting(job.actor, job.user):
            run_job(job)


def run_due_jobs() -> int:
    """Do the jobs that no worker does, the oldest first; return their number."""
    due = list(Job.objects.due(timezone.now()).order_by("due_at").values_list("uuid", flat=True)[:10])
    for uuid in due:
        run_by_uuid(uuid)
    return len(due)


def _require_role(job: Job) -> None:
    """Raise JobRefusedError if the person lost, since the start, the role that the job needs."""
    user, kind = job.user, KINDS[job.kind]
    if not user.is_active:
        may = False
    elif user.has_perm(SEES_ALL):
        may = user.has_perm(kind.permission)
    else:
        may = Membership.objects.filter(user=user, vendor=job.vendor_id, role__in=kind.roles).exists()
    if not may:
        raise JobRefusedError(f"{user} has no role any more that may do this.")


def _finish(job: Job, state: Job.State, summary: str) -> None:
    Job.objects.filter(pk=job.pk, claim=job.claim, due_at__isnull=False).update(
        state=state, summary=summary, due_at=None, finished_at=timezone.now()
    )
    job.refresh_from_db()
