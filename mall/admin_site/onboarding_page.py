"""The page of a vendor's set-up: its owner accepts the terms and asks; the mall's staff approve or send back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils import timezone

from mall.admin_site import onboarding
from mall.admin_site.onboarding_mail import send_asked, send_decision
from vendors import approval
from vendors.models import Vendor
from vendors.scoped_admin import may_see_all, vendor_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

logger = logging.getLogger(__name__)
TEMPLATE = "admin/mall/setup.html"


def setup_view(request: HttpRequest, pk: int, context: dict[str, Any]) -> HttpResponse:
    """Show the page to the vendor's owners and the mall's staff; a POST does as its button says."""
    decides = may_see_all(request) and request.user.has_perm("vendors.change_vendor")
    rows = onboarding.with_progress()
    if not may_see_all(request):
        rows = rows.filter(pk__in=vendor_ids(request, {onboarding.OWNER}))
    setup = onboarding.setup_of(get_object_or_404(rows, pk=pk))
    if request.method == "POST":
        try:
            _press(request, setup, decides=decides)
        except approval.ApprovalError as error:
            messages.error(request, f"Not done: {error}")
        return HttpResponseRedirect(request.path)
    page = {
        "title": f"Setting up {setup.vendor}" if not setup.vendor.is_published else f"The approval of {setup.vendor}",
        "setup": setup,
        "vendor": setup.vendor,
        "decides": decides,
        "is_owner": not may_see_all(request),
    }
    return TemplateResponse(request, TEMPLATE, {**context, **page})


def _press(request: HttpRequest, setup: onboarding.Setup, *, decides: bool) -> None:
    """Do as the pressed button says. Raise ApprovalError, PermissionDenied."""
    vendor, button = setup.vendor, request.POST.get("button", "")
    if button in {"accept", "ask"}:
        if may_see_all(request):
            raise PermissionDenied
        return _press_of_owner(request, setup, button)
    if not decides:
        raise PermissionDenied
    words = request.POST.get("words", "")[: Vendor._meta.get_field("remark").max_length]
    match button:
        case "approve":
            approval.approve(vendor=vendor)
            return _report(request, vendor, f"{vendor} is open.", send_decision)
        case "send-back":
            approval.send_back(vendor=vendor, words=words)
            return _report(request, vendor, f"Sent {vendor} back.", send_decision)
        case "close":
            approval.close(vendor=vendor, words=words)
            return _report(request, vendor, f"{vendor} is closed.", send_decision)
    raise Http404(f"There is no button {button!r}.")


def _press_of_owner(request: HttpRequest, setup: onboarding.Setup, button: str) -> None:
    vendor = setup.vendor
    if button == "accept":
        approval.accept_terms(vendor=vendor, user=request.user, now=timezone.now())
        return _report(request, vendor, "You accepted the terms.")
    if setup.missing:
        raise approval.ApprovalError(f"What is missing: {', '.join(setup.missing)}.")
    approval.ask_for_approval(vendor=vendor)
    return _report(request, vendor, "The mall’s staff look at it now, and you get a letter.", send_asked)


def _report(request: HttpRequest, vendor: Vendor, text: str, send: Callable[[Vendor], None] | None = None) -> None:
    """Show a message, write it into the vendor's history, and send the letter of it."""
    user: Any = request.user
    LogEntry.objects.log_actions(user.pk, [vendor], CHANGE, text)
    messages.success(request, text)
    if send is None:
        return
    try:
        vendor.refresh_from_db(fields=["status", "remark"])
        send(vendor)
    except OSError as error:
        logger.warning("A letter about %s was not sent: %s", vendor, error)
        messages.warning(request, "The letter about it could not be sent now; tell them by other means.")
