"""A small shop whose pages have links, a form, a stylesheet and redirects; and the browsers that walk through it."""

from __future__ import annotations

from django.contrib.auth import get_user_model, login, logout
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template import Context, Engine
from django.urls import include, path, reverse

from sessions_farm.communities.cookieless import munge_url
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.web.decorators import session_off, session_readonly

MIDDLEWARE = [
    "sessions_farm.communities.middleware.HostMiddleware",
    "sessions_farm.web.middleware.StrictCookies",
    "django.middleware.security.SecurityMiddleware",
    "sessions_farm.communities.cookieless.CookielessMiddleware",
    "sessions_farm.web.middleware.SessionMiddleware",
    "sessions_farm.communities.handoff.middleware.HandoffMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
PAGE = Engine(libraries={"static": "django.templatetags.static"}).from_string(
    '{% load static %}<link href="{% static "a.css" %}"><a href="{% url "page" "x" %}">x</a>'
    '<form method="post" action="{% url "add" %}">'
    '<input type="hidden" name="csrfmiddlewaretoken" value="{{ csrf }}"></form>{{ lines }} {{ user }}'
)
MUNGED = []  # what the next page tells an application outside


def page(request, name=""):
    response = HttpResponse(content(request))
    response["Cache-Control"] = "public, max-age=600"
    MUNGED[:] = [munge_url(request, url) for url in MUNGED]
    return response


def content(request):
    shown = {"csrf": get_token(request), "lines": request.session.get("lines", []), "user": request.user.pk}
    return PAGE.render(Context(shown))


def add(request):
    request.session["lines"] = [*request.session.get("lines", []), request.POST["line"]]
    return redirect("cart")


def sign_in(request):
    """Answers with a page where the form asks for one, as few sites do, or by a redirect."""
    login(request, get_user_model().objects.get(pk=request.POST["pk"]), "django.contrib.auth.backends.ModelBackend")
    return page(request) if "page" in request.POST else redirect("cart")


def sign_out(request):
    logout(request)
    return HttpResponseRedirect(reverse("page", args=["bye"]))


def streamed(request):
    return StreamingHttpResponse(reverse("page", args=[name]) for name in ("a", "b"))


async def seen(request):
    """What an async view has."""
    lines = await request.session.aget("lines", [])
    await request.session.aset("lines", [*lines, "async"])
    return JsonResponse({"lines": lines, "link": reverse("cart")})


def fail(request):
    return HttpResponse(reverse("cart"), status=500)


def not_found(request, exception):
    return HttpResponse("Not here.", status=404)


def refused(request, exception=None, reason=""):
    return HttpResponse(f"{exception or reason}", status=403)


handler404 = not_found
handler403 = refused
urlpatterns = [
    path(".mall/", include("sessions_farm.communities.handoff.urls")),
    path("", page),
    path("p/<slug:name>", page, name="page"),
    path("cart", page, name="cart"),
    path("add", add, name="add"),
    path("in", sign_in),
    path("out", sign_out),
    path("literal", lambda request: HttpResponseRedirect("/cart")),
    path("away", lambda request: HttpResponseRedirect("https://pay.test/cart")),
    path("streamed", streamed),
    path("seen", seen),
    path("fail", fail),
    path("readonly", session_readonly(page)),
    path("off", session_off(lambda request: HttpResponse(reverse("cart")))),
]


class Shopper(BrowserClient):
    """Says what browsers say: what it takes, and on pages of ``no-referrer`` no origin."""

    def __init__(self, *, cookies=False, **headers):
        super().__init__(cookies=cookies, headers={"Accept": "text/html,*/*;q=0.8"} | headers)

    def post(self, url, data=None, **headers):
        policy = self.response.headers.get("Referrer-Policy") if self.response is not None else ""
        return super().post(url, data, **({"Origin": "null"} if policy == "no-referrer" else {}) | headers)

    @property
    def prefix(self):
        """``/(s:TOKEN)`` of the address it is at; "" where there is none."""
        path = "/" + self.url.partition("://")[2].partition("/")[2]
        return path[: path.index(")") + 1] if path.startswith("/(s:") else ""

    @property
    def text(self):
        return self.response.content.decode()

    def with_prefix(self, path):
        """An address typed in: of this path with this browser's token."""
        return self.get(self.prefix + path)
