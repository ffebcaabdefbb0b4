"""Bring the catalogues of the shoppers' languages up to date, or check that they are."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mall.translations import catalogues


class Command(BaseCommand):
    """Update and compile the catalogues; ``--check`` changes nothing and fails where they are not complete."""

    help = "Read the marked texts of code and templates into locale/*/LC_MESSAGES/django.po, and compile them."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take ``--check``."""
        parser.add_argument("--check", action="store_true", help="Change nothing; fail where a translation is missing.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Go over each catalogue."""
        for place in catalogues.places():
            for path in place.catalogues():
                if options["check"]:
                    self._check(path, place)
                else:
                    waiting = catalogues.update(path, place)
                    self.stdout.write(f"{path}: {len(waiting)} texts wait for a translation.")

    def _check(self, path: Any, place: catalogues.Place) -> None:
        if faults := list(catalogues.faults_of(path, place)):
            raise CommandError("\n".join(faults))
