"""Says "in a moment" where the database does not answer, instead of failing with a traceback."""

import sys
from collections.abc import Callable
from http import HTTPStatus

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views.defaults import server_error

log = structlog.get_logger(__name__)

AWAY = (OperationalError, InterfaceError)
RETRY_AFTER = "5"  # seconds


class DatabaseAwayMiddleware:
    """Answer 503 where a view could not reach the database, or waited for it in vain."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return one_moment(exception) if isinstance(exception, AWAY) else None


def failed(request: HttpRequest) -> HttpResponseBase:
    """``handler500``: the same for what fails outside a view, such as the page that says "not found"."""
    exception = sys.exception()
    return one_moment(exception) if isinstance(exception, AWAY) else server_error(request)


def one_moment(exception: BaseException) -> HttpResponse:
    log.error("database_away", reason=str(exception))
    response = HttpResponse(render_to_string("503.html"), status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response
