"""The Celery application: it wakes workers, which read the rows that are due."""

import os
from pathlib import Path

from celery import Celery
from celery.signals import after_task_publish, task_postrun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mall.settings")

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


@task_postrun.connect
@after_task_publish.connect
def touch_heartbeat(**_: object) -> None:
    """Touch the heartbeat file after each task: a worker or beat may hang while its process lives (celery #10205)."""
    if HEARTBEAT:
        Path(HEARTBEAT).touch()
