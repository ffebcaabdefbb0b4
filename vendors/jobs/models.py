"""Models of jobs: who started what, how far it is, what was refused, and the files that go in and come out."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from vendors.models import Vendor

REFUSALS_SHOWN = 200
REASONS_KEPT = 50  # the commonest
Refusal = tuple[str, str]  # the row's name, and why it was left as it is


class JobQuerySet(models.QuerySet["Job"]):
    """Select jobs."""

    def due(self, now: datetime) -> Self:
        """Select the jobs to be worked on now: new ones, and those of a worker that died."""
        return self.filter(due_at__lte=now)


class Job(models.Model):
    """Record a job. ``due_at`` is its time while it waits, its lease while a worker has it, and empty at the end."""

    class State(models.TextChoices):
        """List the states."""

        WAITING = "waiting", "waiting"
        RUNNING = "running", "under way"
        FINISHED = "finished", "done"
        REFUSED = "refused", "not done"
        STOPPED = "stopped", "stopped"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    vendor = models.ForeignKey(Vendor, models.CASCADE, null=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    actor = models.JSONField(default=dict, help_text="Who acts, for the audit log.")
    arguments = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    total = models.PositiveIntegerField(default=0)
    position = models.PositiveIntegerField(default=0, help_text="Rows that were looked at.")
    refused = models.PositiveIntegerField(default=0)
    refusals = models.JSONField(default=list, help_text="The first refused rows: what each is, and why.")
    reasons = models.JSONField(default=dict, help_text="Number of refused rows by reason.")
    summary = models.TextField(blank=True)
    claim = models.PositiveIntegerField(default=0, help_text="Counts the claims; a worker with an older one has lost.")
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(position__lte=F("total")), name="jobs_job_position_within_total"),
            models.CheckConstraint(condition=Q(refused__lte=F("position")), name="jobs_job_refused_within_position"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=True) ^ Q(state__in=["waiting", "running"]), name="jobs_job_open_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="jobs_job_due"),
            models.Index(fields=["user", "-created_at"], name="jobs_job_of_user"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def done(self) -> int:
        """Return the number of rows that were done."""
        return self.position - self.refused

    @property
    def is_open(self) -> bool:
        """Return whether the job waits or is under way."""
        return self.due_at is not None

    def add_refusals(self, refusals: list[Refusal]) -> None:
        """Count refused rows, and keep the first of them."""
        self.refused += len(refusals)
        reasons = Counter(self.reasons) + Counter(reason for _, reason in refusals)
        self.reasons = dict(reasons.most_common(REASONS_KEPT))
        room = REFUSALS_SHOWN - len(self.refusals)
        self.refusals = [*self.refusals, *refusals[:room]]


class JobFile(models.Model):
    """Keep a file of a job: in the database, for nodes and workers share no disk, and it is nobody else's."""

    class Direction(models.TextChoices):
        """List the directions."""

        IN = "in", "handed in"
        OUT = "out", "made"

    job = models.ForeignKey(Job, models.CASCADE, related_name="files")
    direction = models.CharField(max_length=3, choices=Direction)
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "direction"], name="jobs_jobfile_once")]

    def __str__(self) -> str:
        return self.name
