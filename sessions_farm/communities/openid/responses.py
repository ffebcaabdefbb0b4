"""The JSON answers to the servers of external members."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, JsonResponse

from sessions_farm.communities.handoff import audit
from sessions_farm.communities.handoff.audit import RefusalReason

if TYPE_CHECKING:
    from sessions_farm.communities.context import MallRequest


def no_store_json(
    content: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return JSON that no cache keeps."""
    return JsonResponse(dict(content), status=status, headers={"Cache-Control": "no-store", **(headers or {})})


def error_response(
    request: MallRequest,
    reason: RefusalReason,
    error: str,
    description: str,
    status: HTTPStatus = HTTPStatus.BAD_REQUEST,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return an error as OAuth says it (RFC 6749, 5.2)."""
    audit.record(request, reason)
    return no_store_json({"error": error, "error_description": description}, status, headers)


def store_unavailable(request: MallRequest) -> HttpResponse:
    """Return a 503."""
    reason, status = RefusalReason.STORE_UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE
    return error_response(request, reason, "temporarily_unavailable", reason.value, status)
