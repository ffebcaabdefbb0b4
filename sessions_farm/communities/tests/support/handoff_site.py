"""A small site on every host of a community: pages, a form, and a cart that is a list in memory."""

from collections import defaultdict

from django.http import HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import include, path

from sessions_farm.communities.handoff import tickets
from sessions_farm.communities.handoff.decorators import mall_id_required
from sessions_farm.communities.handoff.responses import SeeOther, confidential

MIDDLEWARE = [
    "sessions_farm.communities.middleware.HostMiddleware",
    "sessions_farm.web.middleware.StrictCookies",
    "sessions_farm.web.middleware.SessionMiddleware",
    "sessions_farm.communities.handoff.middleware.HandoffMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

LINES = defaultdict(list)  # by visitor
LINKS = """
<a href="/p/next">next</a> <a class="b" href="?page=2">more</a> <a data-x="1" href='/p/z?y=1&amp;z=2#end'>z</a>
<a href="https://b.test/">b</a> <a href="https://c.test/">c</a> <a href="//c.test/">c</a>
<a href="#top">top</a> <link href="/style.css">
"""
ON_PAGE = []  # what the next page does with its request


def page(request, name=""):
    while ON_PAGE:
        ON_PAGE.pop()(request)
    token = get_token(request)
    return HttpResponse(f'<form method="post"><input name="csrfmiddlewaretoken" value="{token}"></form>{LINKS}')


def add(request):
    LINES[request.mall.ensure_visitor().pk].append(request.POST["line"])
    request.session["last"] = request.POST["line"]
    response = HttpResponseRedirect("/cart")
    response.status_code = 303
    return response


def to_mall(request):
    """The button of a store's cart."""
    return SeeOther(tickets.url_with_ticket(request, "/arrive"))


@mall_id_required
def arrive(request):
    """Copy the lines of a ticket's visitor, which are not here yet."""
    if ticket := tickets.redeem(request):
        here = LINES[request.mall.ensure_visitor().pk]
        here += [line for line in LINES[ticket.visitor_id] if line not in here]
    return confidential(SeeOther("/cart"))


@mall_id_required
def basket(request):
    return page(request)


def not_found(request, exception):
    return HttpResponse("Not here.", status=404)


def move_lines(source, target, **kwargs):
    LINES[target.pk] += LINES.pop(source.pk, [])


handler404 = not_found
urlpatterns = [
    path(".mall/", include("sessions_farm.communities.handoff.urls")),
    path("", include("sessions_farm.communities.openid.urls")),
    path("add", add),
    path("", page),
    path("cart", page),
    path("basket", basket),
    path("to-mall", to_mall),
    path("arrive", arrive),
    path("p/<slug:name>", page),
]
