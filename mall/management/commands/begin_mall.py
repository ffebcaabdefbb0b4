"""``manage.py begin_mall HOST NAME``: the first community of an empty installation, its master and its marketplace.

Without it no host is served, so nobody reaches the admin, where all others are made.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.verification import serve_domain
from vendors.models import Marketplace


class Command(BaseCommand):
    """Make a community where there is none; its host is served on the operator's responsibility."""

    help = "Make the first community, its master's host and its marketplace; createsuperuser makes who goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the host, the name, and what the marketplace begins with."""
        parser.add_argument("host", help="of the master: mall.example.org")
        parser.add_argument("name", help="of the mall, as shoppers read it")
        parser.add_argument("--currency", default="EUR", help="its code of ISO 4217; it stays once goods have prices")
        parser.add_argument("--country", default="IE", help="where shoppers want their goods until they say otherwise")
        parser.add_argument("--language", default=settings.LANGUAGE_CODE, help="of the pages at first")

    @transaction.atomic
    def handle(self, *_args: Any, host: str, name: str, **of_marketplace: Any) -> None:
        """Make it, or raise CommandError where a community is there, or a word is none."""
        if Community.objects.exists():
            raise CommandError("There is a community already; more are made in the admin, under Communities.")
        try:
            community = Community(slug="mall", name=name)
            community.full_clean()
            community.save()
            master = Domain(community=community, host=host)
            master.full_clean()
            master.save()
            serve_domain(domain=master, unverified=True)
            community.master = master
            community.full_clean()
            community.save()
            known = {word: of_marketplace[word] for word in ("currency", "country", "language")}
            marketplace = Marketplace(community=community, **known)
            marketplace.full_clean()
            marketplace.save()
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        self.stdout.write(f"{name} is served at {master.host}. Next: manage.py createsuperuser")
