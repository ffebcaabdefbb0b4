"""Tells the master, in a link to its cart or checkout, whom a store takes the shopper for; so that two are made one.

The mark is a MAC of the id: it opens nothing, and only says whether two ids are the same. Where the master's cookie was
cleared or is another's, the master asks that very store, and joins what the shopper has there.
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
class Mark:
    fingerprint: str
    host: str  # that knows the shopper so


def of(member: Member, mall_id: str) -> str:
    return tokens.mac(f"mall|{member.community}|fingerprint", mall_id)[:LENGTH]


def marked(url: str, mall: Mall) -> str:
    """The address of a page of the master with the mark of who is here; as it is where nobody is, or on the master."""
    member = mall.member
    if member is None or member.is_master or not member.checkout_healing or mall.id is None:
        return url
    return f"{url}{'&' if '?' in url else '?'}_mall=fp.{of(member, mall.id)}.{member.host}"


def read(request: HttpRequest) -> Mark | None:
    found = MARK.search(f"?{request.META.get('QUERY_STRING', '')}")
    return Mark(found[2], found[3]) if found else None


def without(path: str) -> str:
    """The path (with query) without its mark."""
    return MARK.sub(r"\1", path).rstrip("?&")
