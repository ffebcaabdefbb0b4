"""Middleware that refuses a NUL in an address, before a query is made with it.

PostgreSQL stores no NUL in a text, and Django's filters pass it on, so the query would fail. No page's address has one;
forms refuse it by themselves (ProhibitNullCharactersValidator).
"""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase


class NoNulMiddleware:
    """Respond 400 to an address with a NUL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            text = "This address holds a NUL character; take it out.\n"
            return HttpResponse(text, status=HTTPStatus.BAD_REQUEST, content_type="text/plain")
        return self.get_response(request)
