"""The egress guard against SSRF: the one way out to an address that a vendor typed.

A name is resolved once, every address must be allowed, and one of exactly those addresses is dialled: a name that
resolves differently a moment later (DNS rebinding) gains nothing, nor does one bad address among good ones. TLS and the
Host header keep the name. ``ipaddress.is_global`` alone is not enough: on Python 3.13 multicast and NAT64 of
127.0.0.1 pass it.
"""

import ipaddress
import socket
from collections.abc import Iterable

from django.conf import settings

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNICAST = ipaddress.ip_network("2000::/3")  # every other IPv6 block maps, translates or stays inside
TUNNELS = tuple(
    ipaddress.ip_network(block)
    for block in (
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
        "192.88.99.0/24",  # 6to4 relays
    )
)


class EgressRefusedError(OSError):
    """The guard lets no connection out to this address."""


def dial(host: str, port: int, timeout: float) -> socket.socket:
    """Return a connected TCP socket; raise EgressRefusedError for a forbidden address, OSError for a silent one."""
    if not 0 < port < 65536:
        raise EgressRefusedError(f"Port {port} of {host!r} does not exist; give one from 1 to 65535.")
    last: OSError | None = None
    for address in addresses_of(host, port):
        try:
            connection = socket.create_connection((str(address), port), timeout)
        except OSError as error:
            last = error
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
    raise last or EgressRefusedError(f"{host!r} has no address.")


def addresses_of(host: str, port: int) -> list[Address]:
    """Return every address of a name, once each; raise EgressRefusedError if a single one is not allowed."""
    addresses = resolve(host, port)
    allowed = [ipaddress.ip_network(block) for block in settings.EGRESS_ALLOW]
    for address in addresses:
        if not is_allowed(address, allowed):
            raise EgressRefusedError(
                f"{host!r} leads to {address}, which is not a public address; EGRESS_ALLOW names exceptions."
            )
    return addresses


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a name in the resolver's order; raise OSError where it has none."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return [ipaddress.IPv4Address("127.0.0.1")]  # RFC 6761, 6.3: without a DNS query; not every libc does so
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OSError(f"{host!r} cannot be resolved: {error}") from error
    return list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Return True for a public unicast address, or one in an ``allowed`` network."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in allowed) or is_public(address)


def is_public(address: Address) -> bool:
    """Return True for a global unicast address outside the tunnels that may lead to a private one."""
    if not address.is_global or address.is_multicast or any(address in tunnel for tunnel in TUNNELS):
        return False
    return address.version == 4 or address in UNICAST
