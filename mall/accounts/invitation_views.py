"""The page of an invitation: it shows the offer and its address, and accepts it by POST."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from vendors import invitations
from vendors.invitations import InvitationRefusedError


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation, accept it, or mail the confirmation of the invited address to its own account."""
    found = invitations.find(token, timezone.now())
    if found is None:
        return _page(request, {}, status=410)
    user: Any = request.user
    address = _address(user, found.email)
    if request.method == "POST" and address is not None:
        if not address.verified:
            address.send_confirmation(request)
            messages.info(request, f"We have sent a mail to {address.email}. Follow its link, then come back here.")
            return redirect(request.path)
        return _accept(request, token, user)
    return _page(request, {"invitation": found, "address": address})


def _accept(request: HttpRequest, token: str, user: Any) -> HttpResponse:
    verified = EmailAddress.objects.filter(user=user, verified=True).values_list("email", flat=True)
    try:
        membership = invitations.accept(token=token, user=user, confirmed=set(verified), now=timezone.now())
    except InvitationRefusedError as error:
        return _page(request, {"refusal": str(error)}, status=410)
    messages.success(request, f"Welcome. You work for {membership.vendor} now, as {membership.get_role_display()}.")
    return redirect("admin:index")


def _address(user: Any, email: str) -> EmailAddress | None:
    """Return the user's own entry of an address; None for another's, and for an anonymous visitor."""
    if not user.is_authenticated or user.email.lower() != email.lower():
        return None
    return EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={"primary": True})[0]


def _page(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    return render(request, "account/invitation.html", context, status=status)
