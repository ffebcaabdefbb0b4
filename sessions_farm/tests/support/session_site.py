"""A site whose one view does what the test says, behind the farm's middleware."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path

MIDDLEWARE = [
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]

TO_DO: list[Callable[[HttpRequest], object]] = []


def page(request: HttpRequest) -> HttpResponse:
    answer = TO_DO[0](request) if TO_DO else ""
    return answer if isinstance(answer, HttpResponse) else HttpResponse(str(answer), content_type="text/plain")


urlpatterns = [path("", page)]
