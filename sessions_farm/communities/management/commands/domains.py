"""``manage.py domains``: look at the registry of domains, look for their proofs, serve and suspend them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sessions_farm.communities import verification
from sessions_farm.communities.models import Domain

WORDS = {
    "list": "Every domain, its state, and what it waits for.",
    "check": "Look for the proof in the DNS now: of the hosts named, or of all that are due.",
    "serve": "Serve a host that is proven, or for which you vouch.",
    "suspend": "Serve a host no longer.",
}


class Command(BaseCommand):
    help = "Looks at the registry of domains, looks for their proofs, serves and suspends them."

    def add_arguments(self, parser: CommandParser) -> None:
        words = parser.add_subparsers(dest="word", required=True, metavar="|".join(WORDS))
        of = {name: words.add_parser(name, help=text, description=text) for name, text in WORDS.items()}
        of["check"].add_argument("hosts", nargs="*", metavar="host")
        for name in ("serve", "suspend"):
            of[name].add_argument("host", help="as `domains list` shows it: *.example.org for a wildcard")
        of["serve"].add_argument("--on-my-word", action="store_true", help="without a proof, now and later")
        of["suspend"].add_argument("--why", required=True, help="is shown in the admin")

    def handle(self, *_args: Any, word: str, **given: Any) -> None:
        getattr(self, f"word_{word}")(**given)

    def word_list(self, **_given: Any) -> None:
        for domain in Domain.objects.select_related("community").order_by("community", "host"):
            self.stdout.write(f"{domain}  {domain.community}  {domain.get_status_display()}  {domain.fault}".rstrip())

    def word_check(self, hosts: list[str], **_given: Any) -> None:
        if not hosts:
            counts = verification.check_due(timezone.now())
            self.stdout.write(", ".join(f"{count} {finding.value}" for finding, count in counts.items()))
        for host in hosts:
            domain = named(host)
            finding = verification.check_domain(domain=domain, now=timezone.now())
            self.stdout.write(f"{domain}: {finding.value}. {domain.fault}".rstrip())

    def word_serve(self, host: str, on_my_word: bool, **_given: Any) -> None:  # noqa: FBT001 -- argparse's
        domain = named(host)
        try:
            verification.serve_domain(domain=domain, on_word=on_my_word)
        except verification.NotProven as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{domain} is served.")

    def word_suspend(self, host: str, why: str, **_given: Any) -> None:
        domain = named(host)
        try:
            verification.suspend_domain(domain=domain, why=why)
        except verification.Needed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{domain} is not served any more.")


def named(host: str) -> Domain:
    """Raise CommandError for a host that is not in the registry."""
    wild = host.startswith("*.")
    found = Domain.objects.filter(host=host.removeprefix("*."))
    domain = found.filter(kind="wildcard").first() if wild else found.exclude(kind="wildcard").first()
    if domain is None:
        raise CommandError(f"{host} is not in the registry; 'domains list' shows what is.")
    return domain
