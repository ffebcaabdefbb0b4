"""What people type for a host, made the one form that the registry keeps: lower case, IDNA, and nothing around it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.utils.encoding import punycode

from sessions_farm.communities.models import HOST

WILD = "*."
TWO_READINGS = "ßς\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # IDNA of 2003 and browsers make other names of these


class NoHost(Exception):
    """What was typed names no host, or not one alone."""


@dataclass(frozen=True, slots=True)
class TypedHost:
    host: str
    is_wildcard: bool


def read_host(typed: str) -> TypedHost:
    """The host in what was typed: ``Käse.Example.``, ``https://shop.example:8000/``, ``*.shops.example``.

    Raise NoHost, in words for who typed it.
    """
    named = host_in(address_in(typed), typed).removesuffix(".")
    host = as_idna(named.removeprefix(WILD), typed)
    try:
        HOST(host)
    except ValidationError as error:
        raise NoHost(
            f"“{typed}” is no host name. Give letters, digits and hyphens between dots, as shop.example, or "
            "*.shops.example for each host one label below."
        ) from error
    return TypedHost(host, named.startswith(WILD))


def address_in(typed: str) -> SplitResult:
    text = typed.strip()
    try:
        return urlsplit(text if "://" in text else f"//{text}")
    except ValueError as error:
        raise NoHost(f"“{typed}” is no host name ({error}). Give the name alone, as shop.example.") from error


def host_in(address: SplitResult, typed: str) -> str:
    """The host of a web address with whatever follows it, or of a bare name with nothing that follows it."""
    if address.scheme not in {"", "http", "https"}:
        raise NoHost(f"“{typed}” is no address of the web. Give the host name alone, as shop.example.")
    if "@" in address.netloc:
        raise NoHost(f"“{typed}” names a person too. Give the host alone: what is right of the @.")
    if not address.scheme and (address.path.strip("/") or address.query or address.fragment):
        raise NoHost(f"“{typed}” is more than a host; a domain is all that is at a host. Give its name alone.")
    try:
        _ = address.port  # the registry's hosts have none; one that is no number shows that this is no host
    except ValueError as error:
        raise NoHost(f"“{typed}” has a port that is none ({error}). Give the host name alone.") from error
    return address.hostname or ""


def as_idna(host: str, typed: str) -> str:
    if any(sign in host for sign in TWO_READINGS):
        raise NoHost(f"“{typed}” can be read as two names. Give the one that browsers ask for, in its form xn--…")
    try:
        return punycode(host)
    except UnicodeError as error:
        raise NoHost(f"“{typed}” is no host name ({error}). Give international names in their form xn--…") from error
