"""Jobs: long work that a member of staff started, done by a worker with progress and one summary.

A kind of job is a class (:mod:`vendors.jobs.kinds`); the row is the queue, and a worker claims it. One that dies is
followed by another, which goes on behind the last finished batch.

    JobError
    ├── JobLostError       another worker has the job
    ├── JobStoppedError    a person stopped it
    └── JobRefusedError    it cannot be done; the words say why, and nothing of it was kept
"""
