"""The language of a page: the shopper's choice, else the community's own (ADR 80).

The choice is a variable of the session, so it follows the shopper to every host of the community. An address may name a
language besides: so robots find each page in each language, and suggestions and heartbeats, without a session, follow.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils import translation
from django.views.decorators.http import require_POST
from django.views.defaults import page_not_found

from sessions_farm.stores.base import StoreUnavailableError
from sessions_farm.web.decorators import is_off
from vendors import languages
from vendors.http import MallRequest, next_path
from vendors.storefronts import storefronts

# The first parts of addresses that are the staff's or programs', never a shopper's: they are in English.
OFFICE: Final = ("admin", "ship", "watch", "join", "impersonation", ".mall", "metrics")


class LanguageMiddleware:
    """Write each answer in the language of its address, else in the community's, and say which it became."""

    def __init__(self, get_response: Callable[[MallRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: MallRequest) -> HttpResponseBase:
        """Answer within a language, errors of the middleware below included."""
        with translation.override(language_of_address(request)):
            response = self.get_response(request)
            if response.get("Content-Type", "").startswith("text/html"):
                response.headers.setdefault("Content-Language", languages.tag_of(languages.current()))
        return response


class ChosenLanguageMiddleware:
    """Go on in the shopper's own language where the view may have a session: below all that the session needs."""

    def __init__(self, get_response: Callable[[MallRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: MallRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: MallRequest, _view: object, _args: object, _kwargs: object) -> None:
        """Follow the choice; SessionMiddleware knows by now what session the view has."""
        follow_choice(request)


def language_of_address(request: MallRequest) -> str:
    """Return the language that an address names, else that of its community; English for the staff's pages."""
    if is_of_the_office(request):
        return str(settings.LANGUAGE_CODE)
    if named := languages.known(request.GET.get(languages.CHOICE)):
        return named
    market = storefronts.marketplace_of(request.mall.member.community_id)
    return market.language if market else str(settings.LANGUAGE_CODE)


def follow_choice(request: MallRequest) -> None:
    """Write the answer in the language that the shopper chose; the address and the staff's pages go before."""
    if is_of_the_office(request) or languages.CHOICE in request.GET or is_off(request.session):
        return
    try:
        chosen = languages.known(request.session.get(languages.CHOICE))
    except StoreUnavailableError:  # SessionMiddleware answers for that
        return
    if chosen:
        translation.activate(chosen)


def is_of_the_office(request: HttpRequest) -> bool:
    """Return whether an address is the staff's or a program's."""
    return request.path_info.split("/")[1:2] in [[part] for part in OFFICE]


@require_POST
def choose(request: MallRequest) -> HttpResponse:
    """Keep the shopper's language for every shop of the community, and go back to the page."""
    code = languages.known(request.POST.get(languages.CHOICE))
    if not code:
        return HttpResponse(
            "Choose one of the languages on offer.\n", status=HTTPStatus.BAD_REQUEST, content_type="text/plain"
        )
    request.session[languages.CHOICE] = code
    return HttpResponseRedirect(next_path(request, default="/"), status=HTTPStatus.SEE_OTHER)


def handle_404(request: Any, exception: Exception) -> HttpResponse:
    """Show the page for an address that is none in the shopper's language: no view was found that could."""
    follow_choice(request)
    return page_not_found(request, exception)
