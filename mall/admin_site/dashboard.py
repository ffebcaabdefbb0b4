"""The context of the admin's front page: the work to be done, the set-up, and the takings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from mall.admin_site import onboarding
from mall.admin_site.takings import takings
from mall.admin_site.tiles import tiles
from vendors.scoped_admin import ORDER_ROLES, may_see_all, vendor_ids

if TYPE_CHECKING:
    from django.http import HttpRequest


def dashboard_context(request: HttpRequest) -> dict[str, Any]:
    """Return the parts that the user's roles allow."""
    return {
        "tiles": tiles(request),
        "setups": [] if may_see_all(request) else onboarding.open_setups(request),
        "takings": _takings(request),
    }


def _takings(request: HttpRequest) -> list[Any] | None:
    """Return the takings of the vendors whose orders the user sees; None for a user without orders."""
    if may_see_all(request):
        return takings({}, timezone.now()) if request.user.has_perm("orders.view_payment") else None
    ids = vendor_ids(request, ORDER_ROLES)
    return takings({"vendor__in": ids}, timezone.now()) if ids else None
