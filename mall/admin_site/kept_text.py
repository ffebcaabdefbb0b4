"""Text that was typed into a form of the admin, kept where the form could not be taken: over a sign-in.

A session may end while a form is open. Its answer is a page that carries what was typed; after a sign-in in another
window the page goes on to ``kept/``, which shows it once more as a form of now, to be sent by the person. Nothing is
stored: the text goes by the browser. Passwords and files are never carried. A form whose token is old, for somebody
signed in anew elsewhere, is answered so too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import REASON_CSRF_TOKEN_MISSING
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.views.csrf import csrf_failure as stock_csrf_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "_kept_path"
NOT_KEPT = {"csrfmiddlewaretoken", PATH}
SECRET_WORDS = ("password", "secret")


def has_text(request: HttpRequest) -> bool:
    """Return whether a form carries anything to be kept; a lone button does not."""
    return any(_kept(request)) or bool(request.FILES)


def ask_to_sign_in(request: HttpRequest) -> HttpResponse:
    """Answer a form whose session has ended with the page that carries its text."""
    context = _context(request, request.POST.get(PATH) or request.get_full_path())
    return render(request, "admin/kept/signed_out.html", context, status=403)


def show_again(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Show a kept form with a token of now, to be sent by the person who typed it.

    No token is asked for here: it changes nothing, and another site's form is refused by its Origin.
    """
    path = request.POST.get(PATH, "")
    if not (is_of_this_site(request) and is_of_the_admin(path)):
        raise PermissionDenied
    return render(request, "admin/kept/send_again.html", {**context, **_context(request, path)})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show the form of a member of staff again where only its token is old; else say why it was refused."""
    if is_of_the_admin(request.path) and is_of_this_site(request) and reason != REASON_CSRF_TOKEN_MISSING:
        from django.contrib import admin  # noqa: PLC0415 -- the middleware loads this before the apps are ready

        if admin.site.has_permission(request):
            page = {**admin.site.each_context(request), **_context(request, request.get_full_path())}
            return render(request, "admin/kept/send_again.html", page, status=403)
        return ask_to_sign_in(request)
    return stock_csrf_failure(request, reason)


def is_of_this_site(request: HttpRequest) -> bool:
    """Return whether the browser says that a page of this host sent the form."""
    origin = request.headers.get("Origin", "")
    return urlsplit(origin).netloc == request.get_host()


def is_of_the_admin(path: str) -> bool:
    """Return whether a path is one of the admin's, which stands on the masters' hosts only."""
    try:
        index = reverse("admin:index")
    except NoReverseMatch:
        return False
    return path.startswith(index) and not {"..", "\\"} & {*path, *path.split("/")}


def _context(request: HttpRequest, path: str) -> dict[str, Any]:
    left_out = [name for name in request.POST if _is_secret(name) and request.POST[name]] + list(request.FILES)
    return {
        "title": "What you typed is kept",
        "kept_path": path,
        "kept": list(_kept(request)),
        "left_out": left_out,
        "path_field": PATH,
    }


def _kept(request: HttpRequest) -> Iterator[tuple[str, str]]:
    for name, values in request.POST.lists():
        if name not in NOT_KEPT and not _is_secret(name):
            for value in values:
                yield name, value


def _is_secret(name: str) -> bool:
    return any(word in name for word in SECRET_WORDS)
