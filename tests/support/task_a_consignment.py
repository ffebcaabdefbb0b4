"""The control of the outbox: a Celery task a consignment on Redis, as safe as Celery offers it, with no row behind it.

With ``BARRIER`` set to a file's name, the worker stops where Celery's transport has taken a message off its list and
has not yet noted it as unacknowledged: it makes the file, and goes no further.
"""

import os
import time
from pathlib import Path

import redis
from celery import Celery
from kombu.transport.redis import QoS

DELIVERED = "delivered"

app = Celery("task_a_consignment", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 2, "unacked_restore_interval": 1},
)


@app.task
def deliver(number: int) -> None:
    """Deliver a consignment: the department is a list."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as department:
        department.rpush(DELIVERED, number)


def send(count: int) -> None:
    """Enqueue the delivery of so many consignments."""
    for number in range(count):
        deliver.delay(number)


def stop_at_the_barrier(*_: object) -> None:
    Path(os.environ["BARRIER"]).touch()
    time.sleep(3600)


if "BARRIER" in os.environ:
    QoS.append = stop_at_the_barrier
