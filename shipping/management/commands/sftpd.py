"""Serve the drop folders until stopped."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand

from shipping.drop_folder.server import serve


class Command(BaseCommand):
    help = "Serve the drop folders of departments that fetch their orders by SFTP, until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.DROP_FOLDER_PORT)
        parser.add_argument(
            "--host-key",
            type=Path,
            help="made where it is not there, its public half beside it; else DROP_FOLDER_HOST_KEY",
        )

    def handle(self, *, host: str, port: int, host_key: Path | None, **_: Any) -> None:
        public_key = host_key.with_name(f"{host_key.name}.pub") if host_key else settings.DROP_FOLDER_PUBLIC_KEY
        host_key = host_key or settings.DROP_FOLDER_HOST_KEY
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())

        def ready(taken: int) -> None:
            self.stdout.write(f"listening on sftp://{host}:{taken}")
            self.stdout.flush()

        keys = {"host_key": host_key, "public_key": public_key}
        async_to_sync(serve)(host=host, port=port, **keys, ready=ready, is_stopped=stopped.is_set)
