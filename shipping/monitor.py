"""The monitor of the outbox in a ``dispatchd``: gauges, alarms and the ends of scripts, by its own clock.

It has a thread and a database connection of its own, for a mail server may take its time.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime

from django.db import DatabaseError, connection
from django.db.models import Count, Min

from shipping import alarms, metrics, script_runs, states, transports
from shipping.claim import database_now
from shipping.models import Dispatch, Route
from shipping.states import State
from shipping.transports.base import PullTransport

logger = logging.getLogger(__name__)

GAUGES_EVERY = 15.0
"""Seconds."""
ALARMS_EVERY = 60.0
"""Seconds."""


def start(stopped: threading.Event) -> threading.Thread:
    """Start the monitor; it ends once ``stopped`` is set."""
    thread = threading.Thread(target=_run, args=(stopped,), name="monitor", daemon=True)
    thread.start()
    return thread


def _run(stopped: threading.Event) -> None:
    alarmed = float("-inf")
    while not stopped.wait(0 if alarmed < 0 else GAUGES_EVERY):
        try:
            now = database_now()
            set_gauges(now)
            script_runs.settle(now=now)
            if time.monotonic() - alarmed > ALARMS_EVERY:
                alarmed = time.monotonic()
                alarms.send_alarms(now)
        except DatabaseError as error:
            logger.warning("The monitor of the outbox waits for the database: %s", error)
            stopped.wait(GAUGES_EVERY)
        except Exception:
            logger.exception("The monitor of the outbox failed; it goes on.")
            stopped.wait(GAUGES_EVERY)
        finally:
            connection.close()


def set_gauges(now: datetime) -> None:
    """Set the gauges of what waits and of the routes that fail."""
    unfinished = Dispatch.objects.filter(state__in=[*states.LIVE, State.DEAD]).order_by()
    counts = dict(unfinished.values_list("state").annotate(rows=Count("pk")))
    for state in (*states.LIVE, State.DEAD):
        metrics.UNFINISHED.labels(state).set(counts.get(state, 0))
    due = Dispatch.objects.filter(state=State.READY, next_at__lte=now).exclude(route__opens_at__gt=now)
    due = due.exclude(route__transport__in=transports.names_of(PullTransport))  # their programs come when they like
    oldest = due.aggregate(at=Min("next_at"))["at"]
    metrics.OLDEST_DUE.set((now - oldest).total_seconds() if oldest else 0)
    metrics.ROUTES_HELD.set(Route.objects.filter(state=Route.State.HELD).count())
    metrics.ROUTES_FAILING.set(Route.objects.filter(failures__gt=0).count())
