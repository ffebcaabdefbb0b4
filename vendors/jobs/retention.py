"""Retention of jobs: old ended ones are deleted with their files."""

from datetime import datetime, timedelta

from vendors.jobs.models import Job

KEPT = timedelta(days=30)


def delete_old_jobs(now: datetime) -> int:
    """Delete the jobs that ended long ago, with their files; return their number."""
    return int(Job.objects.filter(finished_at__lt=now - KEPT).delete()[1].get("jobs.Job", 0))
