"""Middleware that refuses a NUL in an address, before a query is made with it.

PostgreSQL stores no NUL in a text, and Django's filters pass it on, so the query would fail. No page's address has one;
forms refuse it by themselves (ProhibitNullCharactersValidator).
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext

from mall.bad_request import bad_request


class NoNulMiddleware:
    """Respond 400 to an address with a NUL."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            return bad_request(gettext("Its address holds a NUL character; take it out."))
        return self.get_response(request)
