"""``manage.py clearsessions``: Django's name for removing what has expired."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from sessions_farm.session import sweeper


class Command(BaseCommand):
    help = "Remove expired sessions, tombstones and codes in batches."

    def handle(self, **options: Any) -> None:
        batches = sweeper.sweep()
        self.stdout.write(f"Swept in {batches} batch{'es' if batches != 1 else ''}.")
