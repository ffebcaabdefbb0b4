"""A site of views that have the session to read only, alone, or not at all: sync, async and class-based."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from sessions_farm.web.decorators import session_exclusive, session_off, session_readonly

TO_DO: list[Callable[[HttpRequest], object]] = []


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(TO_DO[0](request)) if TO_DO else "", content_type="text/plain")


@session_off
def off(request: HttpRequest) -> HttpResponse:
    return answer(request)


@session_off
async def off_async(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(answer)(request)


@method_decorator(session_off, name="dispatch")
class Off(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answer(request)


@session_readonly
def readonly(request: HttpRequest) -> HttpResponse:
    return answer(request)


@session_readonly
async def readonly_async(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(answer)(request)


@method_decorator(session_readonly, name="dispatch")
class Readonly(View):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answer(request)


@session_readonly
def readonly_template(request: HttpRequest) -> TemplateResponse:
    return TemplateResponse(request, Template(answer))


class Template:
    """A template that does what the test says when it is rendered."""

    def __init__(self, do: Callable[[HttpRequest], HttpResponse]) -> None:
        self.do = do

    def render(self, _context: object, request: HttpRequest) -> str:
        return self.do(request).content.decode()


@session_readonly
async def readonly_auser(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str((await request.auser()).is_authenticated))


@session_exclusive()
def exclusive(request: HttpRequest) -> HttpResponse:
    return answer(request)


@session_off
def missing(request: HttpRequest) -> HttpResponse:
    raise Http404


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(f"Nothing here for {request.session['x']}.", status=404)


handler404 = not_found

urlpatterns = [
    path("free", answer),
    path("off", off),
    path("off-async", off_async),
    path("off-class", Off.as_view()),
    path("readonly", readonly),
    path("readonly-async", readonly_async),
    path("readonly-class", Readonly.as_view()),
    path("readonly-template", readonly_template),
    path("readonly-auser", readonly_auser),
    path("exclusive", exclusive),
    path("missing", missing),
    path("swapped", session_readonly(off)),
]
