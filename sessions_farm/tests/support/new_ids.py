"""A new visitor at each address of a site, and what caches are told about the answers that carry the new id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.test import Client

from sessions_farm.web import cookies

FOR_A_NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


class ClaimMiddleware:
    """Stands after SessionMiddleware and gives each request an id, as a view may that writes nothing yet."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        session = request.session
        response = self.get_response(request)
        session.claim_key()
        return response


def cacheable(paths: Iterable[str], cookie: str, methods: Iterable[str] = ("get",), **headers: str) -> list[str]:
    """Return the answers that give an id and may stay in a shared cache; each request is a new visitor's.

    Raise AssertionError for an answer below 500 that gives no id: it would prove nothing.
    """
    found = []
    for path in paths:
        for method in methods:
            response = getattr(Client(headers=headers, raise_request_exception=False), method)(path)
            named = f"{method} {path}: {response.status_code}"
            assert cookie in response.cookies or response.status_code >= 500, named
            if cookie in response.cookies and not stays_with_one(response):
                found.append(f"{named} {response.get('Cache-Control')} {response.get('Vary')}")
    return found


def stays_with_one(response: Any) -> bool:
    """Return whether no shared cache may keep an answer, by any header that one obeys."""
    is_told = response.get("Cache-Control") == "private, no-store"
    is_told_more = any(name in response for name in cookies.FOR_CACHES)
    return is_told and not is_told_more and "Cookie" in response.get("Vary", "")
