"""``manage.py clearsessions``: Django's name for removing expired sessions."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.template.defaultfilters import pluralize

from sessions_farm.session import sweeper


class Command(BaseCommand):
    """Runs the sweeper once."""

    help = "Remove expired sessions, tombstones and codes in batches."

    def handle(self, **options: Any) -> None:
        """Sweep until nothing is due."""
        batches = sweeper.sweep()
        self.stdout.write(f"Swept in {batches} batch{pluralize(batches, 'es')}.")
