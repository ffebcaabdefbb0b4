"""Hostnames as people type them, normalized to the registry's one form: lower case, IDNA, and nothing around it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.utils.encoding import punycode

from sessions_farm.communities.errors import InvalidHostnameError
from sessions_farm.communities.models import HOST

WILDCARD_PREFIX = "*."
AMBIGUOUS = "ßς\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # IDNA 2003 and browsers make other names of these


@dataclass(frozen=True, slots=True)
class Hostname:
    """A normalized host, without the ``*.`` of a wildcard."""

    host: str
    is_wildcard: bool


def normalize_hostname(text: str) -> Hostname:
    """Return the host in a text as ``Käse.Example.``, ``https://shop.example:8000/`` or ``*.shops.example``.

    Raise InvalidHostnameError.
    """
    name = host_of_url(split_url(text), text).removesuffix(".")
    if is_ip_address(name):
        raise InvalidHostnameError(f"“{text}” is an IP address. Give a name that leads to it, as shop.example.")
    host = to_idna(name.removeprefix(WILDCARD_PREFIX), text)
    try:
        HOST(host)
    except ValidationError as error:
        raise InvalidHostnameError(
            f"“{text}” is no host name. Give letters, digits and hyphens between dots, as shop.example, or "
            "*.shops.example for each host one label below."
        ) from error
    return Hostname(host, name.startswith(WILDCARD_PREFIX))


def is_ip_address(host: str) -> bool:
    """Return whether browsers take a host for an IP address: one that ends in a number is (WHATWG URL, 3.5)."""
    try:
        ip_address(host)
    except ValueError:
        return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]) is not None
    return True


def split_url(text: str) -> SplitResult:
    """Return the parts of a URL, or of a bare host. Raise InvalidHostnameError."""
    stripped = text.strip()
    try:
        return urlsplit(stripped if "://" in stripped else f"//{stripped}")
    except ValueError as error:
        raise InvalidHostnameError(
            f"“{text}” is no host name ({error}). Give the name alone, as shop.example."
        ) from error


def host_of_url(url: SplitResult, text: str) -> str:
    """Return the host of a URL with any path, or of a bare name without one. Raise InvalidHostnameError."""
    if url.scheme not in {"", "http", "https"}:
        raise InvalidHostnameError(f"“{text}” is no address of the web. Give the host name alone, as shop.example.")
    if "@" in url.netloc:
        raise InvalidHostnameError(f"“{text}” names a person too. Give the host alone: the part right of the @.")
    if not url.scheme and (url.path.strip("/") or url.query or url.fragment):
        raise InvalidHostnameError(
            f"“{text}” is more than a host; a domain is all that is at a host. Give its name alone."
        )
    try:
        _ = url.port  # the registry's hosts have none; a port that is no number shows that this is no host
    except ValueError as error:
        raise InvalidHostnameError(f"“{text}” has a wrong port ({error}). Give the host name alone.") from error
    return url.hostname or ""


def to_idna(host: str, text: str) -> str:
    """Return a host in its ``xn--`` form. Raise InvalidHostnameError where that form is ambiguous."""
    if any(sign in host for sign in AMBIGUOUS):
        raise InvalidHostnameError(f"“{text}” can be read as two names. Give the one that browsers use, as xn--…")
    try:
        return punycode(host)
    except UnicodeError as error:
        raise InvalidHostnameError(
            f"“{text}” is no host name ({error}). Give international names in their form xn--…"
        ) from error
