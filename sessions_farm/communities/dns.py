"""DNS queries: the texts and the addresses at a name, with "no answer" told apart from "no records"."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sessions_farm.communities.conf import community_options
from sessions_farm.communities.errors import ResolverUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns.resolver import Resolver as StubResolver

DNS_PORT = 53
TRIES = 3  # how often a silent name server is queried within the time


class Resolver(Protocol):
    """The interface of ``RESOLVER``. Names are absolute, in any case, international ones in their ``xn--`` form.

    Both methods raise ResolverUnavailableError where no answer came: time-out, SERVFAIL, refused.
    """

    def txt(self, name: str) -> list[str]:
        """Return the texts at a name, the strings of each joined; none where there is no such name."""
        ...

    def addresses(self, name: str) -> frozenset[str]:
        """Return the IPv4 and IPv6 addresses of a name, as ``ipaddress`` writes them; CNAMEs are followed."""
        ...


class SystemResolver:
    """Resolves by dnspython, with ``NAMESERVERS`` or the system's own; each answer is fresh.

    The name servers have to be recursive ones, as those of a system are: they are trusted to follow CNAMEs.
    """

    def __init__(self, *, lifetime: float = 3.0, resolv_conf: str = "/etc/resolv.conf") -> None:
        """Raise ImproperlyConfigured without dnspython, and for a wrong name server."""
        try:
            import dns.resolver  # noqa: F401, PLC0415 -- dnspython is an extra
        except ImportError as error:
            raise ImproperlyConfigured(
                "SystemResolver needs dnspython, which is not installed: pip install dnspython, or name another class"
                ' in SESSIONS_FARM_COMMUNITIES["RESOLVER"].'
            ) from error
        self.lifetime = lifetime  # seconds for one query, over all name servers
        self.resolv_conf = resolv_conf
        self.nameservers = [parse_nameserver(text) for text in community_options().nameservers]

    def txt(self, name: str) -> list[str]:
        """Return the texts at a name; bytes that are no UTF-8 are replaced, so that they hide no other text."""
        return [b"".join(record.strings).decode(errors="replace") for record in self.query(name, "TXT")]

    def addresses(self, name: str) -> frozenset[str]:
        """Return the addresses of a name."""
        return frozenset(str(ip_address(record.address)) for kind in ("A", "AAAA") for record in self.query(name, kind))

    def query(self, name: str, kind: str) -> Iterable[Any]:
        """Return the records of a kind at a name. Raise ResolverUnavailableError."""
        from dns.exception import DNSException  # noqa: PLC0415 -- dnspython is an extra
        from dns.name import from_text  # noqa: PLC0415 -- as above
        from dns.resolver import NXDOMAIN  # noqa: PLC0415 -- as above

        try:
            absolute = from_text(name)
        except DNSException:
            return []  # longer than the DNS allows, or with an empty label: nothing can be there
        try:
            return self.new_stub().resolve(absolute, kind, search=False, raise_on_no_answer=False).rrset or []
        except NXDOMAIN:
            return []
        except DNSException as error:
            raise ResolverUnavailableError(
                f"The DNS gave no answer for {kind} of {name!r} ({error}). Try again later, or correct the name"
                ' servers: SESSIONS_FARM_COMMUNITIES["NAMESERVERS"], the system\'s own where empty.'
            ) from error

    def new_stub(self) -> StubResolver:
        """Return a stub resolver; a new one for each query, so that a changed resolv.conf is seen."""
        from dns.nameserver import Do53Nameserver  # noqa: PLC0415 -- dnspython is an extra
        from dns.resolver import Resolver as StubResolver  # noqa: PLC0415 -- as above

        stub = StubResolver(filename=self.resolv_conf, configure=not self.nameservers)
        if self.nameservers:
            stub.nameservers = [Do53Nameserver(address, port) for address, port in self.nameservers]
        stub.lifetime = self.lifetime
        stub.timeout = self.lifetime / TRIES
        return stub


def parse_nameserver(text: str) -> tuple[str, int]:
    """Return address and port of ``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1`` or ``[2001:db8::1]:5353``.

    Raise ImproperlyConfigured.
    """
    try:
        return str(ip_address(text)), DNS_PORT
    except ValueError:
        host, _, port = text.rpartition(":")
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]"))), parse_port(port)
    except ValueError as error:
        raise ImproperlyConfigured(
            f'{text!r} in SESSIONS_FARM_COMMUNITIES["NAMESERVERS"] is no name server: write an IP address, or'
            " address:port."
        ) from error


def parse_port(text: str) -> int:
    """Return a port's number. Raise ValueError."""
    port = int(text)
    if not 0 < port < 2**16:
        raise ValueError(text)
    return port


def current_resolver() -> Resolver:
    """Return an instance of the class that ``RESOLVER`` names."""
    resolver: Resolver = import_string(community_options().resolver)()
    return resolver
