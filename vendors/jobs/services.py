"""Services of jobs: start one, stop one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from vendors.audit import present_actor
from vendors.jobs import running
from vendors.jobs.kinds import Kind
from vendors.jobs.models import Job, JobFile
from vendors.jobs.tasks import enqueue_job
from vendors.models import Vendor

AT_ONCE = 100  # rows that a request does itself
FILE_BYTES = 20 * 2**20


def start_job(  # noqa: PLR0913 -- each is a fact of the job
    *,
    kind: type[Kind],
    title: str,
    user: Any,
    vendor: Vendor | None,
    now: datetime,
    arguments: dict[str, Any] | None = None,
    rows: list[Any] | None = None,
    file: UploadedFile[Any] | None = None,
) -> Job:
    """Write down a job and wake a worker; a few ``rows`` are done before this returns."""
    with transaction.atomic():
        job = Job.objects.create(
            kind=kind.name, title=title, user=user, vendor=vendor, actor=present_actor(), created_at=now, due_at=now,
            arguments={**(arguments or {}), **({} if rows is None else {"rows": rows})}, total=len(rows or []),
        )  # fmt: skip
        if file is not None:
            JobFile.objects.create(
                job=job,
                direction=JobFile.Direction.IN,
                name=(file.name or "")[:200],
                content_type=(file.content_type or "")[:100],
                content=file.read(),
            )
    if rows is not None and len(rows) <= AT_ONCE:
        running.run_job(job)
    else:
        transaction.on_commit(lambda: enqueue_job(job.uuid))
    return job


def stop_job(*, job: Job, now: datetime) -> bool:
    """Stop a job behind its present batch; return False if it has ended."""
    ended = {"state": Job.State.STOPPED, "due_at": None, "finished_at": now, "summary": "Stopped by hand."}
    return bool(Job.objects.filter(pk=job.pk, due_at__isnull=False).update(**ended))
