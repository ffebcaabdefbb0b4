"""The farm's cookie: an id, signed for one community and one host; and the strict parser of the Cookie header.

Value: ``v1.<id>.<issue time in hex seconds>.<MAC>``. The MAC covers community, key epoch, host, id and issue time: a
cookie that was copied to another host proves nothing there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import cookies
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port
from django.utils.cache import patch_vary_headers

from sessions_farm import metrics
from sessions_farm.conf import options
from sessions_farm.session import ids

if TYPE_CHECKING:
    from sessions_farm.communities.registry import Member

CLOCK_SKEW = 300  # seconds by which another node's clock may run ahead
VALUE = re.compile(rf"v1\.({ids.ID.pattern})\.([0-9a-f]{{1,12}})\.([A-Za-z0-9_-]{{24}})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Proof:
    """An id that our own signature proves, and when the cookie was issued (Unix seconds)."""

    id: str
    issued_at: int

    def is_due(self, now: float) -> bool:
        """Whether a quarter of the cookie's life has gone, so that it is sent again."""
        return now - self.issued_at > options().cookie_age / 4


def name_for(member: Member | None) -> str:
    """The cookie's name: with the prefix that only HTTPS may set, wherever the site has HTTPS.

    ``__Host-Http-`` (2025) begins with ``__Host-``, whose older rules hold in browsers that don't know it. Browsers
    refuse both without ``Secure``, and most refuse ``Secure`` over plain HTTP, so there the bare name stands. Only one
    of the two is ever read.
    """
    bare = member.cookie_name if member else options().cookie_name
    return f"__Host-Http-{bare}" if settings.SESSION_COOKIE_SECURE else bare


def value_of(member: Member | None, host: str, session_id: str, now: float | None = None) -> str:
    """The signed value for ``host`` (lower case, no port)."""
    issued = f"{int(time.time() if now is None else now):x}"
    return f"v1.{session_id}.{issued}.{ids.sign(*_signed(member, host, session_id, issued))}"


def prove(member: Member | None, host: str, value: str, now: float | None = None) -> Proof | None:
    """What a value proves on ``host``: nothing where it is misshapen, too old, from the future or not ours."""
    match = VALUE.fullmatch(value)
    if match is None:
        return None
    session_id, issued, mac = match.groups()
    use, *parts = _signed(member, host, session_id, issued)
    if not ids.verify(use, mac, *parts):
        return None
    age = (time.time() if now is None else now) - int(issued, 16)
    return Proof(session_id, int(issued, 16)) if -CLOCK_SKEW <= age <= options().cookie_age else None


def read(request: HttpRequest) -> Proof | None:
    """The id that the request's cookie proves on the host it was sent to."""
    member = member_of(request)
    value = request.COOKIES.get(name_for(member))
    if not value:
        return None
    proof = prove(member, host_of(request, member), value)
    if proof is None:
        metrics.REFUSED.inc()
    return proof


def issue(
    response: HttpResponseBase, member: Member | None, session_id: str, *, host: str = "", at_close: bool = False
) -> None:
    """Put the cookie for the member's host into the response; ``host`` only where there is no member."""
    value = value_of(member, member.host if member else host, session_id)
    set_cookie(response, name_for(member), value, None if at_close else options().cookie_age)
    patch_vary_headers(response, ("Cookie",))


def drop(response: HttpResponseBase, member: Member | None) -> None:
    """Tell the browser to forget the cookie."""
    set_cookie(response, name_for(member), "", 0)
    patch_vary_headers(response, ("Cookie",))


def set_cookie(response: HttpResponseBase, name: str, value: str, max_age: int | None) -> None:
    """Set a cookie for this host alone and for no script; ``max_age`` in seconds, None for the browser's session.

    Its ``SameSite`` is Lax: a strict cookie does not come along when a redirect returns from another domain of the
    community.
    """
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        samesite="Lax",
    )


def member_of(request: HttpRequest) -> Member | None:
    mall = getattr(request, "mall", None)
    return mall.member if mall else None


def host_of(request: HttpRequest, member: Member | None) -> str:
    """The host a cookie is bound to: the member's, or what the request names where no gate stands before us."""
    return member.host if member else split_domain_port(request.get_host())[0]


def parse(header: str) -> dict[str, str]:
    """Read a Cookie header (latin-1, as WSGI and ASGI hand it over) strictly.

    Django strips any Unicode space around a name, so a page of a sibling domain could smuggle in a ``__Host-`` name
    that browsers had stored under no rule at all. Here only SP and HTAB are trimmed, a name is printable ASCII, and a
    name that occurs twice is not believed at all: one of the two is not ours, and nothing says which.
    """
    seen: dict[str, str] = {}
    twice: set[str] = set()
    for chunk in header.split(";"):
        name, equals, value = chunk.partition("=")
        name = name.strip(" \t")
        if not equals or not name or not all("\x21" <= letter <= "\x7e" for letter in name):
            continue
        if name in seen:
            twice.add(name)
        seen[name] = _text(value.strip(" \t"))
    return {name: value for name, value in seen.items() if name not in twice}


def parse_scope(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The cookies of an ASGI scope's headers. HTTP/2 may split the header: the pieces are one list."""
    return parse("; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie"))


def _text(value: str) -> str:
    text = _unquote(value)
    return text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")


def _signed(member: Member | None, host: str, session_id: str, issued: str) -> tuple[str, ...]:
    community = member.community if member else ""
    epoch = str(member.key_epoch if member else 1)
    return f"mall|{community}|sess", community, epoch, host, session_id, issued


# Python's own rule for quoted values, by which Django's cookies (messages, language) were written.
_unquote: Callable[[str], str] = cookies._unquote  # noqa: SLF001  # as Django uses it
