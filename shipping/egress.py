"""The egress guard against SSRF: the one way out to an address that a vendor typed.

A name is resolved once, every address must be allowed, and one of exactly those addresses is dialled: a name that
resolves differently a moment later (DNS rebinding) gains nothing, nor does one bad address among good ones. TLS and the
Host header keep the name. ``ipaddress.is_global`` alone is not enough: on Python 3.13 multicast and NAT64 of
127.0.0.1 pass it, and some blocks of IANA's special-purpose registries do.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable

from django.conf import settings

from shipping.threads import run_abandonable

type Address = ipaddress.IPv4Address | ipaddress.IPv6Address
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DIAL_SECONDS = 5.0  # for one address

UNICAST = ipaddress.ip_network("2000::/3")  # every other IPv6 block maps, translates or stays inside
SPECIAL = tuple(
    ipaddress.ip_network(block)
    for block in (
        # IANA's special-purpose registries, where ``is_global`` lets a part of them through
        "192.0.0.0/24",  # IETF protocol assignments: the anycast addresses in it are global, and no department's
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.175.48.0/24",  # AS112
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarking, ORCHID, drone remote ID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the 6bone that was
        "3fff::/20",  # documentation
    )
)


class EgressRefusedError(OSError):
    """The guard lets no connection out to this address."""


async def dial(host: str, port: int) -> socket.socket:
    """Return a connected, non-blocking TCP socket.

    Raise EgressRefusedError for a forbidden address, OSError for a silent one. The caller sets the deadline.
    """
    if not 0 < port < 65536:
        raise EgressRefusedError(f"Port {port} of {host!r} does not exist; give one from 1 to 65535.")
    last: OSError | None = None
    for address in await addresses_of(host, port):
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                return await _connect(address, port)
        except TimeoutError:
            last = TimeoutError(f"{address} did not answer within {DIAL_SECONDS:.0f} seconds.")
        except OSError as error:
            last = error
    raise last or EgressRefusedError(f"{host!r} has no address.")


async def _connect(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)  # noqa: FBT003 -- the standard library's only spelling
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


async def addresses_of(host: str, port: int) -> list[Address]:
    """Return every address of a name, once each; raise EgressRefusedError if a single one is not allowed."""
    addresses = await run_abandonable(resolve, host, port)
    allowed = [ipaddress.ip_network(block) for block in settings.EGRESS_ALLOW]
    for address in addresses:
        if not is_allowed(address, allowed):
            raise EgressRefusedError(
                f"{host!r} leads to {address}, which is not a public address; EGRESS_ALLOW names exceptions."
            )
    return addresses


def resolve(host: str, port: int) -> list[Address]:
    """Return the addresses of a name, once each, in the resolver's order; raise OSError where it has none."""
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
    """Return True for a global unicast address outside the blocks that stand for something else."""
    if not address.is_global or address.is_multicast or any(address in block for block in SPECIAL):
        return False
    return address.version == 4 or address in UNICAST
