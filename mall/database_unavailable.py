"""Respond 503 with Retry-After where the database does not answer or takes no writes, instead of a traceback.

A database is read-only for a moment while another server takes over: pages that only read go on then.
"""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus

from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.views.defaults import server_error
from psycopg.errors import ReadOnlySqlTransaction

from cart.transactions import RowLockTimeoutError, is_conflict
from sessions_farm.stores.base import StoreUnavailableError

logger = logging.getLogger(__name__)

DATABASE_ERRORS = (OperationalError, InterfaceError, RowLockTimeoutError, StoreUnavailableError)
RETRY_AFTER = "5"  # seconds
LOGGED = {
    "busy": "Another transaction is in the way: %s",
    "read_only": "The database takes no writes: %s",
    "away": "The database is unavailable: %s",
}


class DatabaseUnavailableMiddleware:
    """Respond 503 where a view could not reach the database or waited too long for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, _request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the 503 page for an error of the database; leave any other to Django."""
        return service_unavailable(exception) if is_of_the_database(exception) else None


def handle_500(request: HttpRequest) -> HttpResponseBase:
    """Respond to an error outside of views (``handler500``): 503 for an error of the database, else 500."""
    exception = sys.exception()
    if exception is not None and is_of_the_database(exception):
        return service_unavailable(exception)
    return server_error(request)


def is_of_the_database(exception: BaseException) -> bool:
    """Return whether the database is away, in the way, or takes no writes now."""
    return isinstance(exception, DATABASE_ERRORS) or is_read_only(exception)


def is_read_only(exception: BaseException | None) -> bool:
    """Return whether the database refused a write as a standby does; also where the store's error stands around it."""
    while exception is not None:
        if isinstance(exception, InternalError | OperationalError) and isinstance(
            exception.__cause__, ReadOnlySqlTransaction
        ):
            return True
        exception = exception.__cause__
    return False


def service_unavailable(exception: BaseException) -> HttpResponse:
    """Return the 503 page and log the error; a conflict of transactions is told as one, never as an outage."""
    cause = "busy" if is_conflict(exception) else "read_only" if is_read_only(exception) else "away"
    logger.error(LOGGED[cause], exception)
    page = render_to_string("503.html", {"cause": cause})
    response = HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE)
    response["Retry-After"] = RETRY_AFTER
    response["Cache-Control"] = "no-store"
    return response
