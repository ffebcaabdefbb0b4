"""Drain the outbox in a loop, without a broker: the same drain as the Celery task's."""

import signal
import threading
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from shipping import acks
from shipping.claim import LEASE
from shipping.drain import drain


class Command(BaseCommand):
    help = "Send what is due to the shipping departments, over and over, until stopped. Needs no broker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="work what is due now and stop")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks at the outbox")
        parser.add_argument(
            "--acks-every", type=float, default=15.0, help="seconds between two looks for acknowledgements"
        )
        parser.add_argument("--lease", type=float, default=LEASE.total_seconds(), help="seconds a claim holds")

    def handle(self, *, once: bool, every: float, acks_every: float, lease: float, **_: Any) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        self.stdout.write("dispatchd: working the outbox")
        since_acks = acks_every
        while not stopped.is_set():
            close_old_connections()
            drain(lease=timedelta(seconds=lease))
            if since_acks >= acks_every:
                acks.collect()
                since_acks = 0.0
            if once:
                return
            stopped.wait(every)
            since_acks += every
