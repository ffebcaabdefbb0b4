"""The feed for a vendor's own program, by its key: the count of the visitors, their list, and their shared values.

ASPBroker's calls as addresses: SetKeys is ``?keys=``, SessionCount, SessionList and Value the answers below. Events
come from ``/watch/v1/<slug>/stream`` (support_watch.streaming).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpResponseBase, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from sessions_farm.web.decorators import session_off
from support_watch import keys
from support_watch.models import DeskKey
from support_watch.presence import Presence
from vendors.http import MallRequest
from vendors.models import Vendor

BEARER = "Bearer "


def refusal(status: HTTPStatus, words: str, **headers: str) -> JsonResponse:
    """Return an answer that says why there is none."""
    return JsonResponse({"error": words}, status=status, headers=headers)


def with_key(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Let a view have the presence of the vendor that the request's key opens; refuse any other request."""

    @session_off
    @never_cache
    @require_GET
    @wraps(view)
    def opened(request: MallRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        text = request.headers.get("Authorization", "").removeprefix(BEARER)
        key = keys.find(text, slug=slug, scope=DeskKey.Scope.SESSIONS)
        if key is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            return refusal(HTTPStatus.UNAUTHORIZED, "Send a key of this shop that may read who is here.", **challenge)
        if not keys.allow(key, timezone.now()):
            return refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests in this minute.", **{"Retry-After": "60"})
        return view(Presence(Vendor.objects.get(pk=key.vendor_id)), request, **kwargs)

    return opened


@with_key
def session_list(presence: Presence, request: MallRequest) -> HttpResponseBase:
    """Answer with the present visitors and the values of ``keys``, comma-separated."""
    if wanted := request.GET.get("keys"):
        try:
            presence.set_keys(*wanted.split(","))
        except KeyError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error.args[0]))
    sessions = presence.session_values()
    return JsonResponse({"count": len(sessions), "sessions": sessions})


@with_key
def session_value(presence: Presence, request: MallRequest) -> HttpResponseBase:
    """Answer with the value ``key`` of one ``visit``; empty where the visit is over or its shopper allows less."""
    try:
        return JsonResponse({"value": presence.value(request.GET.get("key", ""), request.GET.get("visit", ""))})
    except KeyError as error:
        return refusal(HTTPStatus.BAD_REQUEST, str(error.args[0]))
