"""Fill the database with the demo's mall."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from deploy.demo.load import load


class Command(BaseCommand):
    help = "Fill the database with the demo's mall; what is there already is left as it is."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--without-pictures", action="store_true", help="Leave the products without pictures.")

    def handle(self, *_args: Any, **options: Any) -> None:
        load(now=timezone.now(), with_pictures=not options["without_pictures"], say=self.stdout.write)
