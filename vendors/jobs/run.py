"""The hold of a worker on its job: batches, progress, and the files that go in and come out.

A batch and its progress are one transaction that holds the job's row, so a batch is done once, whichever worker dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from vendors.jobs.errors import JobLostError, JobStoppedError
from vendors.jobs.models import Job, JobFile, Refusal

LEASE = timedelta(minutes=2)


class Run:
    """Hold a claimed job while a worker does it."""

    def __init__(self, job: Job) -> None:
        self.job = job

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Open a transaction that holds the job's row. Raise JobLostError or JobStoppedError."""
        with transaction.atomic():
            row = Job.objects.select_for_update().get(pk=self.job.pk)
            self._require_own(row)
            yield
            self.job.due_at = timezone.now() + LEASE
            self.job.save(update_fields=["due_at", "position", "total", "refused", "refusals", "reasons"])

    def count(self, rows: int, refusals: list[Refusal]) -> None:
        """Count rows as looked at; it is kept with the batch."""
        self.job.position += rows
        self.job.add_refusals(refusals)

    def keep(self, **facts: Any) -> None:
        """Keep facts among the job's arguments, with the batch: for its page, and for the worker that follows."""
        self.job.arguments = self.job.arguments | facts
        self.job.save(update_fields=["arguments"])

    def progress(self, position: int, total: int) -> None:
        """Report how far the work is, outside its transaction. Raise JobLostError or JobStoppedError."""
        with self.batch():
            self.job.position, self.job.total = position, total

    def input(self) -> JobFile:
        """Return the file that was handed in."""
        return self.job.files.get(direction=JobFile.Direction.IN)

    def output(self, name: str, content_type: str, content: bytes) -> None:
        """Keep the file that the job made, in place of one of an earlier claim."""
        made = {"name": name, "content_type": content_type, "content": content}
        JobFile.objects.update_or_create(job=self.job, direction=JobFile.Direction.OUT, defaults=made)

    def _require_own(self, row: Job) -> None:
        if row.state == Job.State.STOPPED:
            raise JobStoppedError(f"Job {row.pk} was stopped.")
        if row.claim != self.job.claim:
            raise JobLostError(f"Job {row.pk} has claim {row.claim}, not {self.job.claim}.")
