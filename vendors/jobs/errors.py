"""Errors of jobs."""


class JobError(Exception):
    """Signal that the work of a job ends here."""


class JobLostError(JobError):
    """Signal that another worker has the job."""


class JobStoppedError(JobError):
    """Signal that a person stopped the job."""


class JobRefusedError(JobError):
    """Signal that a job cannot be done; the message gives the reason, in words for its starter."""
