"""Tell which client sent a request: its network, and whether it asks in advance."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

UNKNOWN_NETWORK = "unknown"
PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")  # the first is the standard, the others are its elders
# Loopback, link-local, private, shared: the same address may stand for everybody behind a balancer that hides them.
HIDING = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
IN_ADVANCE = re.compile(r"prefetch|prerender|preview", re.IGNORECASE)


def network_of(client: HttpRequest | str, *, ipv4_bits: int = 32, ipv6_bits: int = 64) -> str:
    """Return the network of a request's client, or of an address; ``unknown`` where there is no address.

    An IPv4-mapped IPv6 address (``::ffff:192.0.2.1``, as a dual-stack socket reports an IPv4 client) counts as IPv4.
    The default of IPv6 is the /64 of one household.
    """
    address = client if isinstance(client, str) else client.META.get("REMOTE_ADDR", "")
    return _network(address, ipv4_bits, ipv6_bits)


def telling_network_of(client: HttpRequest | str) -> str:
    """Return the network of a client; empty where its address tells nothing: none, loopback, or a private one.

    A limit by such a network would shut out everybody behind a balancer that hides its clients.
    """
    network = network_of(client)
    return "" if network == UNKNOWN_NETWORK or _hides_clients(network) else network


@lru_cache(maxsize=1024)
def _hides_clients(text: str) -> bool:
    network = ipaddress.ip_network(text)
    return any(network.version == hiding.version and network.overlaps(hiding) for hiding in HIDING)


@lru_cache(maxsize=1024)
def _network(text: str, ipv4_bits: int, ipv6_bits: int) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return UNKNOWN_NETWORK
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    bits = ipv4_bits if address.version == 4 else ipv6_bits
    return str(ipaddress.ip_network((address.packed, bits), strict=False))


def client_key(request: HttpRequest) -> str:
    """Return a key for counting a client: a hash of its network and browser's name, so that no address is stored."""
    client = f"{network_of(request)} {request.headers.get('User-Agent', '')}"
    return hashlib.sha256(client.encode(errors="surrogatepass")).hexdigest()[:32]


def is_prefetch(request: HttpRequest) -> bool:
    """Return whether a browser asks in advance (prefetch or prerender), for a page that may never be looked at."""
    return any(IN_ADVANCE.search(request.headers.get(name, "")) for name in PURPOSES)
