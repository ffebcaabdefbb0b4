"""The gate before everything: serves the registry's hosts and no other, and says what the request knows of the mall."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponsePermanentRedirect

from sessions_farm.communities.context import Mall
from sessions_farm.communities.errors import RegistryUnavailableError
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.registry import Member, registry

ASK_PATH = "/.mall/ask"
HOST = re.compile(r"(?P<host>[a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?", re.ASCII)


class HostMiddleware:
    """Answer 421 to any host outside the registry; set ``request.mall``; lead an alias to its canonical host.

    A host that no client header but ``Host`` can change decides everything after it, so ALLOWED_HOSTS may be open.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            if request.path_info == ASK_PATH:
                return ask(request)
            member = member_of(request)
        except RegistryUnavailableError as error:
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n", retry_after=2)
        if member is None:
            return refusal(HTTPStatus.MISDIRECTED_REQUEST, "This host is not served here.\n")
        if member.canonical_host:
            return lead_to_canonical(request, member)
        request.mall = Mall(member, request=request)  # type: ignore[attr-defined]  # our attribute on Django's request
        request.session_audience = member  # type: ignore[attr-defined]  # the engine's port
        return self.get_response(request)


def member_of(request: HttpRequest) -> Member | None:
    """The member that the Host header names; a name that is no plain host name (RFC 1123) is nobody's."""
    named = HOST.fullmatch(request.META.get("HTTP_HOST", "").lower())
    if named is None:
        return None
    return registry.resolve(named["host"])


def lead_to_canonical(request: HttpRequest, member: Member) -> HttpResponseBase:
    if request.method not in {"GET", "HEAD"}:
        return refusal(HTTPStatus.MISDIRECTED_REQUEST, f"Use {member.canonical_host}.\n")
    return HttpResponsePermanentRedirect(absolute_url(member.canonical_host, request.get_full_path()))


def ask(request: HttpRequest) -> HttpResponse:
    """Whether a certificate may be had for ``?domain=``: 200 or 404 from the snapshot, for on-demand TLS.

    Caddy asks at worst at each handshake, with any name a client sends: no query, no DNS. Certificates are rationed by
    their issuers, so names that strangers can invent get none (``RegistrySnapshot.may_have_certificate``). It can only
    be given a URL, so the token may stand in the query; the balancer refuses the path from outside all the same.
    """
    given = request.GET.get("token", "") or request.headers.get("Authorization", "").removeprefix("Bearer ")
    token = getattr(settings, "OPS_TOKEN", "")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        return refusal(HTTPStatus.FORBIDDEN, "This needs OPS_TOKEN as ?token= or as a bearer token.\n")
    if not registry.current().may_have_certificate(request.GET.get("domain", "").lower()):
        return refusal(HTTPStatus.NOT_FOUND, "This domain is not served, or no page uses it.\n")
    return HttpResponse("Served.\n", content_type="text/plain")


def refusal(status: HTTPStatus, text: str, retry_after: int = 0) -> HttpResponse:
    response = HttpResponse(text, status=status, content_type="text/plain")
    response["Cache-Control"] = "no-store"
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response
