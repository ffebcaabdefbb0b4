"""Kinds of jobs: the work itself, as classes that name themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from vendors.jobs.models import Job, Refusal
    from vendors.jobs.run import Run

KINDS: dict[str, Kind] = {}


class Kind(ABC):
    """Do one kind of job. A subclass registers itself under ``name``, and says who may have it done.

    ``roles`` are those of the vendor's people; ``permission`` is that of the mall's staff: none may where it is empty.
    ``template`` shows, on the page of a job that is over, what it found and what may be done with it.
    """

    name: ClassVar[str]
    roles: ClassVar[frozenset[str]]
    permission: ClassVar[str] = ""
    template: ClassVar[str] = ""
    refusals_title: ClassVar[str] = "Left as they are"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:
            KINDS[cls.name] = cls()

    def context(self, job: Job) -> dict[str, Any]:
        """Return the context of ``template`` besides the job."""
        return {}

    @abstractmethod
    def run(self, run: Run) -> str:
        """Do the work, report progress to the run, and return the summary in words. Raise JobRefusedError."""


class RowsKind(Kind):
    """Do the same to each row of a job, in batches: each is one transaction together with the job's progress."""

    batch_size = 100

    @abstractmethod
    def apply(self, job: Job, rows: list[Any]) -> list[Refusal]:
        """Do the work for some of the job's ``rows``; return those left as they are."""

    def summary(self, job: Job) -> str:
        """Return the summary in words."""
        return f"{job.done} of {job.total} done" + (f", {job.refused} left as they are." if job.refused else ".")

    def run(self, run: Run) -> str:
        """Go through the rows from the last finished batch on."""
        rows = run.job.arguments["rows"]
        while run.job.position < len(rows):
            with run.batch():
                batch = rows[run.job.position : run.job.position + self.batch_size]
                run.count(len(batch), self.apply(run.job, batch))
        return self.summary(run.job)
