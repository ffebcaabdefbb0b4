"""The pages on which the mall's staff look at every kind of letter, filled with a made-up order or account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.template.response import TemplateResponse
from django.utils.csp import CSP
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override

from mall.admin_site.mail_kinds import BY_NAME, GROUPS
from sessions_farm.communities.models import Community
from vendors import languages
from vendors.mail import render_mail, sender_of
from vendors.models import Marketplace

if TYPE_CHECKING:
    from django.http import HttpRequest

    from vendors.mail import MailKind

SCHEMES: Final = {"light": "(max-width: 0)", "dark": "(min-width: 0)"}  # conditions that never and always hold
ASKED: Final = "(prefers-color-scheme: dark)"
LETTER_CSP: Final = {"default-src": [CSP.NONE], "style-src": [CSP.UNSAFE_INLINE], "frame-ancestors": [CSP.SELF]}


def may_look(request: HttpRequest) -> bool:
    """Return whether the user may look at letters."""
    return request.user.has_perm("letters.view_letter")


def list_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """List the kinds."""
    _refuse_others(request)
    page = {"title": "Kinds of letter", "groups": GROUPS}
    return TemplateResponse(request, "admin/mall/letters.html", {**context, **page})


def kind_view(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Show a kind's subject, its HTML in light and dark, and its text."""
    _refuse_others(request)
    kind = _kind(name)
    subject, text, _ = _render(request, kind)
    page = {"title": kind.label, "kind": kind, "subject": subject, "text": text, "schemes": SCHEMES}
    return TemplateResponse(request, "admin/mall/letter.html", {**context, **page})


@xframe_options_sameorigin
@csp_override(LETTER_CSP)
def html_view(request: HttpRequest, kind: str, scheme: str) -> HttpResponse:
    """Show a kind's HTML in one scheme, whichever the browser prefers; it may style itself and do nothing else."""
    _refuse_others(request)
    if scheme not in SCHEMES:
        raise Http404("A letter is light or dark.")
    _, _, html = _render(request, _kind(kind))
    return HttpResponse(
        html.replace(ASKED, SCHEMES[scheme]), headers={"Content-Language": languages.tag_of(languages.current())}
    )


def _refuse_others(request: HttpRequest) -> None:
    if not may_look(request):
        raise PermissionDenied


def _kind(name: str) -> MailKind:
    if name not in BY_NAME:
        raise Http404(f"No kind of letter is called {name!r}.")
    return BY_NAME[name]


def _render(request: Any, kind: MailKind) -> tuple[str, str, str]:
    community = Community.objects.select_related("master").get(pk=request.mall.member.community_id)
    marketplace = Marketplace.objects.filter(community=community).first()
    return render_mail(kind, sender=sender_of(community, marketplace), context=kind.sample())
