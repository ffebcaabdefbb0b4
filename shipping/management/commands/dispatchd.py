"""Work the outbox until stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
from argparse import ArgumentParser
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand

from shipping import monitor, presence
from shipping.claim import LEASE
from shipping.mailroom import work
from shipping.runner import SWITCH_SECONDS, Runner
from vendors import metrics_server
from vendors.watchdog import Watchdog

HEARTBEAT = os.environ.get("HEARTBEAT_FILE")


def note(name: str, now: datetime) -> None:
    """Show that this process works: by its row, and by the file that the container's health check reads."""
    presence.note(name, now)
    if HEARTBEAT:
        Path(HEARTBEAT).touch()


class Command(BaseCommand):
    help = (
        "Send what is due to the shipping departments until stopped, and mail both sides about what does not arrive."
        " Needs no broker and no clock, survives a database's restart."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--lease", type=float, default=LEASE.total_seconds(), help="seconds a claim holds")
        parser.add_argument("--metrics-port", type=int, help="serve metrics for Prometheus on this port")

    def handle(self, *, lease: float, metrics_port: int | None, **_: Any) -> None:
        if metrics_port:
            metrics_server.start(metrics_port)
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        monitor.start(stopped)
        work.start(stopped)
        sys.setswitchinterval(SWITCH_SECONDS)
        runner = Runner(lease=timedelta(seconds=lease))
        runner.on_upkeep = partial(note, runner.name)
        watchdog = Watchdog("dispatchd", lambda: runner.turns).start()
        self.stdout.write("dispatchd: working the outbox")
        try:
            async_to_sync(runner.run_forever)(stopped=stopped.is_set, idle=presence.wait)
        finally:
            watchdog.stop()
