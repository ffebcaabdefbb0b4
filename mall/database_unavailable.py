"""Respond 503 with Retry-After where the database does not answer, instead of a traceback."""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views.defaults import server_error

from cart.transactions import RowLockTimeoutError, is_conflict
from sessions_farm.stores.base import StoreUnavailableError

logger = logging.getLogger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError, RowLockTimeoutError, StoreUnavailableError)
RETRY_AFTER = "5"  # seconds


class DatabaseUnavailableMiddleware:
    """Respond 503 where a view could not reach the database or waited too long for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the 503 page for an error of the database; leave any other to Django."""
        return service_unavailable(exception) if isinstance(exception, DATABASE_ERRORS) else None


def handle_500(request: HttpRequest) -> HttpResponseBase:
    """Respond to an error outside of views (``handler500``): 503 for an error of the database, else 500."""
    exception = sys.exception()
    return service_unavailable(exception) if isinstance(exception, DATABASE_ERRORS) else server_error(request)


def service_unavailable(exception: BaseException) -> HttpResponse:
    """Return the 503 page and log the error; a conflict of transactions is told as one, never as an outage."""
    is_busy = is_conflict(exception)
    logger.error("Another transaction is in the way: %s" if is_busy else "The database is unavailable: %s", exception)
    page = render_to_string("503.html", {"is_busy": is_busy})
    response = HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response
