"""Asking the DNS: the texts and the addresses at a name, and whether there was an answer at all."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from sessions_farm.communities.conf import community_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns.resolver import Resolver as Stub

DNS_PORT = 53
TRIES = 3  # how often a name server that stays silent is asked within the time


class ResolverUnavailable(Exception):
    """The DNS gave no answer. What is at the name is not known, and that is not "nothing"."""


class Resolver(Protocol):
    """Who asks the DNS. Names are whole ones, in any case, international ones in their ``xn--`` form.

    Both raise ResolverUnavailable where no answer came: time-out, SERVFAIL, refused.
    """

    def txt(self, name: str) -> list[str]:
        """The texts at a name, the strings of each joined; none where there is no such name."""
        ...

    def addresses(self, name: str) -> frozenset[str]:
        """The IPv4 and IPv6 addresses that a name leads to, as ``ipaddress`` writes them; CNAMEs are followed."""
        ...


class SystemResolver:
    """By dnspython, from ``SESSIONS_FARM_COMMUNITIES["NAMESERVERS"]`` or the system's own; each answer is fresh.

    The name servers have to be recursive ones, as those of a system are: they are trusted to follow CNAMEs.
    """

    def __init__(self, *, lifetime: float = 3.0, resolv_conf: str = "/etc/resolv.conf") -> None:
        """Raise ImproperlyConfigured without dnspython, and for a name server that cannot be one."""
        try:
            import dns.resolver  # noqa: F401, PLC0415 -- dnspython is an extra
        except ImportError as error:
            raise ImproperlyConfigured(
                "SystemResolver needs dnspython, which is not installed: pip install dnspython, or name another class"
                ' in SESSIONS_FARM_COMMUNITIES["RESOLVER"].'
            ) from error
        self.lifetime = lifetime  # seconds for one question, over all name servers
        self.resolv_conf = resolv_conf
        self.nameservers = [address_and_port(text) for text in community_options().nameservers]

    def txt(self, name: str) -> list[str]:
        # Anybody may publish bytes that are no text beside ours; they must not hide it.
        return [b"".join(record.strings).decode(errors="replace") for record in self.ask(name, "TXT")]

    def addresses(self, name: str) -> frozenset[str]:
        return frozenset(str(ip_address(record.address)) for kind in ("A", "AAAA") for record in self.ask(name, kind))

    def ask(self, name: str, kind: str) -> Iterable[Any]:
        """The records of a kind at a name."""
        from dns.exception import DNSException  # noqa: PLC0415 -- dnspython is an extra
        from dns.name import from_text  # noqa: PLC0415 -- as above
        from dns.resolver import NXDOMAIN  # noqa: PLC0415 -- as above

        try:
            absolute = from_text(name)
        except DNSException:
            return []  # longer than the DNS allows, or with an empty label: nothing can be there
        try:
            return self.stub().resolve(absolute, kind, search=False, raise_on_no_answer=False).rrset or []
        except NXDOMAIN:
            return []
        except DNSException as error:
            raise ResolverUnavailable(
                f"The DNS gave no answer for {kind} of {name!r} ({error}). Try again later, or look at the name"
                ' servers: SESSIONS_FARM_COMMUNITIES["NAMESERVERS"], the system\'s own where empty.'
            ) from error

    def stub(self) -> Stub:
        """Who sends one question; made anew for each, so that a changed resolv.conf is seen."""
        from dns.nameserver import Do53Nameserver  # noqa: PLC0415 -- dnspython is an extra
        from dns.resolver import Resolver as Stub  # noqa: PLC0415 -- as above

        stub = Stub(filename=self.resolv_conf, configure=not self.nameservers)
        if self.nameservers:
            stub.nameservers = [Do53Nameserver(address, port) for address, port in self.nameservers]
        stub.lifetime = self.lifetime
        stub.timeout = self.lifetime / TRIES
        return stub


def address_and_port(text: str) -> tuple[str, int]:
    """``192.0.2.1``, ``192.0.2.1:5353``, ``2001:db8::1``, ``[2001:db8::1]:5353``."""
    try:
        return str(ip_address(text)), DNS_PORT
    except ValueError:
        host, _, port = text.rpartition(":")
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]"))), port_of(port)
    except ValueError as error:
        raise ImproperlyConfigured(
            f'{text!r} in SESSIONS_FARM_COMMUNITIES["NAMESERVERS"] is no name server: write an IP address, or address:port.'
        ) from error


def port_of(text: str) -> int:
    port = int(text)
    if not 0 < port < 2**16:
        raise ValueError(text)
    return port


def current_resolver() -> Resolver:
    """The one that ``SESSIONS_FARM_COMMUNITIES["RESOLVER"]`` names."""
    resolver: Resolver = import_string(community_options().resolver)()
    return resolver
