"""Fingerprints in links to the master's cart or checkout: they tell it a store's view of the visitor, to merge the two.

The fingerprint is a MAC of the id: it opens nothing, and only tells whether two ids are the same. Where the master's
cookie was cleared or belongs to another id, the master asks that very store, and merges the visitor's things there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sessions_farm.web import tokens

if TYPE_CHECKING:
    from django.http import HttpRequest

    from sessions_farm.communities.context import Mall
    from sessions_farm.communities.registry import Member

LENGTH = 16  # characters, 96 bits
MARK = re.compile(rf"([?&])_mall=fp\.([A-Za-z0-9_-]{{{LENGTH}}})\.([a-z0-9.-]{{1,253}})(?:&|$)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The fingerprint of an id, and the host that knows it."""

    mac: str
    host: str


def mac_of_id(member: Member, mall_id: str) -> str:
    """Return the fingerprint of an id in the member's community."""
    return tokens.mac("handoff.fingerprint", member.community, mall_id)[:LENGTH]


def with_fingerprint(url: str, mall: Mall) -> str:
    """Return the address of a page of the master with the visitor's fingerprint; unchanged on the master itself."""
    member = mall.member
    if member is None or member.is_master or not member.checkout_healing or mall.id is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}_mall=fp.{mac_of_id(member, mall.id)}.{member.host}"


def fingerprint_in(request: HttpRequest) -> Fingerprint | None:
    """Return the fingerprint in a request's address."""
    found = MARK.search(f"?{request.META.get('QUERY_STRING', '')}")
    return Fingerprint(found[2], found[3]) if found else None


def without_fingerprint(path: str) -> str:
    """Return a path (with query) without its fingerprint."""
    return MARK.sub(r"\1", path).rstrip("?&")
