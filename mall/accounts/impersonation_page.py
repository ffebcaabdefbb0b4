"""The page in the admin on which support begins to impersonate a person, and the button that ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from mall.accounts import impersonation, mfa
from mall.accounts.errors import ImpersonationRefusedError
from mall.accounts.roles import IMPERSONATE

if TYPE_CHECKING:
    from mall.accounts.models import User

TEMPLATE = "admin/accounts/user/impersonate.html"


class ImpersonationPageMixin:
    """Add the page to the admin of users."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.impersonate_view)
        own = path("<path:object_id>/impersonate/", view, name="accounts_user_impersonate")
        return [own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def impersonate_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Explain impersonation and its missing conditions; a POST begins it."""
        if not request.user.has_perm(IMPERSONATE):
            raise PermissionDenied
        user: User | None = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]  # of the admin
        if user is None:
            raise Http404("There is no such user.")
        if request.method == "POST":
            try:
                impersonation.begin(request, user=user, now=timezone.now())
            except ImpersonationRefusedError as error:
                messages.error(request, f"Not begun: {error}")
                return HttpResponseRedirect(request.path)
            return redirect("admin:index" if user.is_staff else "mall:home")
        context = {
            **self.admin_site.each_context(request),
            "title": f"Sign in as {user}",
            "opts": self.opts,
            "person": user,
            "refusal": impersonation.refusal(request, user),
            "has_second_factor": mfa.has_second_factor(request.user),
            "is_fresh": mfa.is_fresh(request, request.user),
            "code_url": f"{reverse('mfa_reauthenticate')}?{urlencode({'next': request.path})}",
            "minutes": impersonation.PERIOD.seconds // 60,
        }
        return TemplateResponse(request, TEMPLATE, context)


@require_POST
def end_impersonation(request: HttpRequest) -> HttpResponse:
    """End the impersonation, and lead back to the person's page in the admin."""
    user = impersonation.end(request)
    if user is None:
        return redirect("mall:home")
    messages.success(request, f"You are yourself again; you were {user}.")
    return redirect("admin:accounts_user_change", user.pk)
