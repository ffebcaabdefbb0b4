"""The session cookie: an id, sealed for one host; and the strict parser of the Cookie header.

The token (``sessions_farm.web.tokens``) is bound to the host and to the audience's scope: a cookie that was copied to
another host proves nothing there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import cookies
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port
from django.utils.cache import patch_vary_headers

from sessions_farm.clock import now_ms
from sessions_farm.conf import DAY, options
from sessions_farm.session import metrics
from sessions_farm.session.audience import audience_of
from sessions_farm.session.ids import ID, Proof
from sessions_farm.web import tokens

if TYPE_CHECKING:
    from sessions_farm.session.audience import Audience

PURPOSE = "session-cookie"
# A node may have sealed it, or read it, before it knew the store's time. It is authentic all the same, and its id lives
# longer by so much at most.
AHEAD = DAY
NAME = re.compile(r"[\x21-\x7e]+")  # of a cookie, as browsers may store it
FOR_CACHES = ("Expires", "CDN-Cache-Control", "Surrogate-Control")  # what some obey before Cache-Control (RFC 9213)


def name_for(audience: Audience) -> str:
    """Return the cookie's name: with the prefix that only HTTPS may set, wherever the site has HTTPS.

    ``__Host-Http-`` (2025) begins with ``__Host-``, whose older rules hold in browsers that don't know it. Browsers
    refuse both without ``Secure``, and most refuse ``Secure`` over plain HTTP, so there the bare name stands. Only one
    of the two is ever read.
    """
    name = audience.cookie_name or options().cookie_name
    return f"__Host-Http-{name}" if settings.SESSION_COOKIE_SECURE else name


def seal(audience: Audience, session_id: str, *, host: str = "", now: float | None = None) -> str:
    """Return the cookie's value for the audience's host, or for ``host`` (lower case, no port) where it has none."""
    return tokens.seal(PURPOSE, session_id, audience.host or host, *audience.cookie_scope, now=now)


def prove(audience: Audience, value: str, *, host: str = "", now: float | None = None) -> Proof | None:
    """Return the id that a value proves on the host; None where it is malformed, too old, from the future or forged."""
    bound = (audience.host or host, *audience.cookie_scope)
    sealed = tokens.unseal(PURPOSE, value, *bound, max_age=options().cookie_age, ahead=AHEAD, now=now)
    return Proof(sealed.payload, sealed.issued_at) if sealed and ID.fullmatch(sealed.payload) else None


def read(request: HttpRequest, audience: Audience) -> Proof | None:
    """Return the id that the request's cookie proves on the host it was sent to."""
    value = request.COOKIES.get(name_for(audience))
    if not value:
        return None
    proof = prove(audience, value, host=host_of(request, audience))
    if proof is None:
        metrics.REFUSED.inc()
    return proof


def issue(
    response: HttpResponseBase, audience: Audience, session_id: str, *, host: str = "", at_close: bool = False
) -> None:
    """Put the session cookie for the audience's host, or for ``host`` where it has none, into the response."""
    value = seal(audience, session_id, host=host)
    set_cookie(response, name_for(audience), value, None if at_close else options().cookie_age)


def drop(response: HttpResponseBase, audience: Audience) -> None:
    """Tell the browser to forget the session cookie."""
    set_cookie(response, name_for(audience), "", 0)


def set_cookie(response: HttpResponseBase, name: str, value: str, max_age: int | None) -> None:
    """Set a cookie of this host alone, unseen by scripts; ``max_age`` in seconds, None: until the browser closes.

    The response becomes ``private, no-store``, whatever its view said: a shared cache that kept it would give one
    browser's id to many (RFC 9111, 7.3: Set-Cookie keeps no cache from storing).
    """
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=bool(settings.SESSION_COOKIE_SECURE),
        httponly=True,
        # Strict would hide the cookie after a redirect from another domain of the community.
        samesite="Lax",
    )
    forbid_storing(response)
    patch_vary_headers(response, ("Cookie",))


def forbid_storing(response: HttpResponseBase) -> None:
    """Let no cache keep the response, whatever its view said."""
    response["Cache-Control"] = "private, no-store"
    for header in FOR_CACHES:
        response.headers.pop(header, None)


def host_of(request: HttpRequest, audience: Audience | None = None) -> str:
    """Return the host that a cookie is bound to: the audience's, or the one that the request names."""
    return (audience or audience_of(request)).host or split_domain_port(request.get_host())[0]


def fresh_proof(session_id: str) -> Proof:
    """Return a proof of an id that the caller has verified in another way, issued now."""
    return Proof(session_id, now_ms() // 1000)


def parse(header: str) -> dict[str, str]:
    """Read a Cookie header (latin-1, as WSGI and ASGI hand it over) strictly.

    Django strips any Unicode space around a name, so a page of a sibling domain could smuggle in a ``__Host-`` name
    that browsers had stored under no rule at all. Here only SP and HTAB are trimmed, a name is printable ASCII, and a
    name that occurs twice is dropped: one of the two is forged, and nothing says which.
    """
    seen: dict[str, str] = {}
    twice: set[str] = set()
    for chunk in header.split(";"):
        name, equals, value = chunk.partition("=")
        name = name.strip(" \t")
        if not equals or not NAME.fullmatch(name):
            continue
        if name in seen:
            twice.add(name)
        text = _unquote(value.strip(" \t"))
        seen[name] = text if text.isascii() else text.encode("latin-1", "replace").decode("utf-8", "replace")
    return {name: value for name, value in seen.items() if name not in twice}


def parse_scope(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the cookies of an ASGI scope's headers. HTTP/2 may split the header: the pieces are one list."""
    return parse("; ".join(value.decode("latin-1") for name, value in headers if name == b"cookie"))


# Python's own rule for quoted values, by which Django's cookies (messages, language) were written.
_unquote: Callable[[str], str] = cookies._unquote  # noqa: SLF001  # as Django uses it
