"""The Celery application: it wakes workers, which read the rows that are due.

A worker or beat that hangs while its process lives (celery #10205) ends itself: a worker where messages wait in its
queues and none is done, beat where nothing is sent. Messages bear no time of expiry: a worker whose clock is hours off
would throw them all away. Instead beat sends nothing to a queue that is deep (mall.beat).
"""

import os
from pathlib import Path

from celery import Celery
from celery.signals import after_task_publish, beat_init, task_postrun, worker_ready, worker_shutting_down

from mall.queues import depth_of
from vendors.watchdog import MOST_IDLE, TURN, Watchdog

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mall.settings")
# Celery's command line takes BROKER_URL for its own option, and so past the settings, which translate it for kombu.
os.environ.pop("CELERY_BROKER_URL", None)

app = Celery("mall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(
    [
        "cart.checkout.payments.sandbox",
        "cart.checkout",
        "cart.letters",
        "shipping",
        "support_watch",
        "vendors.jobs",
        "mall",
    ]
)

HEARTBEAT = os.environ.get("HEARTBEAT_FILE")
METRICS_PORT = int(os.environ.get("METRICS_PORT", "0"))
watchdogs: list[Watchdog] = []


@task_postrun.connect
@after_task_publish.connect
def touch_heartbeat(**_: object) -> None:
    """Touch the heartbeat file after each task, and after each message of beat."""
    if HEARTBEAT:
        Path(HEARTBEAT).touch()


def heartbeat() -> int:
    """Return when something was last done, in the nanoseconds of this machine's clock."""
    return Path(HEARTBEAT or "").stat().st_mtime_ns


@worker_ready.connect
@beat_init.connect
def serve_metrics(**_: object) -> None:
    """Serve the metrics of a worker, with those of its children, or of beat."""
    from vendors import metrics_server  # noqa: PLC0415 -- Django's settings are read there

    if METRICS_PORT:
        metrics_server.start(METRICS_PORT)


@worker_ready.connect
def watch_worker(sender: object = None, **_: object) -> None:
    """End a worker that does nothing although messages wait for it."""
    queues = sorted(getattr(sender, "app", app).amqp.queues.consume_from)

    def progress() -> object:
        return heartbeat() if sum(map(depth_of, queues)) else object()

    if HEARTBEAT:
        touch_heartbeat()
        longest = (app.conf.task_time_limit + 90) / TURN  # all children may be at a task that takes its time
        most_idle = max(MOST_IDLE, longest) if MOST_IDLE else 0
        watchdogs.append(Watchdog(f"The worker of {', '.join(queues)}", progress, most_idle=most_idle).start())


@beat_init.connect
def watch_beat(**_: object) -> None:
    """End a beat that sends nothing although the broker answers."""

    def progress() -> object:
        depth_of("celery")  # raises where the broker is away: then there is nothing to judge
        return heartbeat()

    if HEARTBEAT:
        touch_heartbeat()
        watchdogs.append(Watchdog("Beat", progress).start())


@worker_shutting_down.connect
def stop_watching(**_: object) -> None:
    """Leave a worker that was told to stop in peace while its tasks end."""
    for watchdog in watchdogs:
        watchdog.stop()
