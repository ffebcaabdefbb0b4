"""``manage.py domains``: lists the registry of domains; verifies, serves and suspends them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sessions_farm.communities import verification
from sessions_farm.communities.errors import CommunityError
from sessions_farm.communities.models import Domain

SUBCOMMANDS = {
    "list": "List every domain with its status and its fault.",
    "verify": "Look the TXT record up now: of the hosts given, or of all that are due.",
    "serve": "Serve a verified host, or any on your responsibility.",
    "suspend": "Stop serving a host.",
}


class Command(BaseCommand):
    """The subcommands are the methods ``handle_…``."""

    help = "Lists the registry of domains; verifies, serves and suspends them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the subcommands."""
        subparsers = parser.add_subparsers(dest="subcommand", required=True, metavar="|".join(SUBCOMMANDS))
        of = {name: subparsers.add_parser(name, help=text, description=text) for name, text in SUBCOMMANDS.items()}
        of["verify"].add_argument("hosts", nargs="*", metavar="host")
        for name in ("serve", "suspend"):
            of[name].add_argument("host", help="as `domains list` shows it: *.example.org for a wildcard")
        of["serve"].add_argument("--unverified", action="store_true", help="without a verification, now and later")
        of["suspend"].add_argument("--reason", required=True, help="is shown in the admin")

    def handle(self, *_args: Any, subcommand: str, **given: Any) -> None:
        """Run a subcommand."""
        try:
            getattr(self, f"handle_{subcommand}")(**given)
        except CommunityError as error:
            raise CommandError(str(error)) from error

    def handle_list(self, **_given: Any) -> None:
        """List every domain."""
        for domain in Domain.objects.select_related("community").order_by("community", "host"):
            self.stdout.write(f"{domain}  {domain.community}  {domain.get_status_display()}  {domain.fault}".rstrip())

    def handle_verify(self, hosts: list[str], **_given: Any) -> None:
        """Verify the hosts given, or all that are due."""
        if not hosts:
            counts = verification.verify_due_domains(timezone.now())
            self.stdout.write(", ".join(f"{count} {result.value}" for result, count in counts.items()))
        for domain in (domain for host in hosts for domain in find_domains(host)):
            result = verification.verify_domain(domain=domain, now=timezone.now())
            self.stdout.write(f"{domain}: {result.value}. {domain.fault}".rstrip())

    def handle_serve(self, host: str, unverified: bool, **_given: Any) -> None:  # noqa: FBT001 -- argparse's
        """Serve a host."""
        domain = find_domain(host)
        verification.serve_domain(domain=domain, unverified=unverified)
        self.stdout.write(f"{domain} is served.")

    def handle_suspend(self, host: str, reason: str, **_given: Any) -> None:
        """Suspend a host."""
        domain = find_domain(host)
        verification.suspend_domain(domain=domain, reason=reason)
        self.stdout.write(f"{domain} is not served any more.")


def find_domains(host: str) -> list[Domain]:
    """Return the domains of a host; several may be pending. Raise CommandError for a host not in the registry."""
    found = Domain.objects.filter(host=host.removeprefix("*."))
    domains = found.filter(kind="wildcard") if host.startswith("*.") else found.exclude(kind="wildcard")
    if not domains:
        raise CommandError(f"{host} is not in the registry; 'domains list' shows what is.")
    return list(domains.order_by("pk"))


def find_domain(host: str) -> Domain:
    """Return the domain that holds a host, or the one that is pending for it. Raise CommandError."""
    domains = find_domains(host)
    chosen = [domain for domain in domains if domain.status != Domain.Status.PENDING] or domains
    if len(chosen) > 1:
        raise CommandError(f"{host} is pending {len(chosen)} times; choose one on its page in the admin.")
    return chosen[0]
