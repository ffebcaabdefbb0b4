"""The shared part of a vendor's pages in the admin: the vendor, the pressed row, and the report of a change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from vendors.models import Vendor


class VendorPageMixin:
    """Find the vendor of a page, which needs the permission to change it; mixed into the admin of vendors."""

    admin_site: admin.AdminSite
    opts: Any

    def vendor_or_404(self, request: HttpRequest, object_id: str) -> Vendor:
        """Return the vendor. Raise PermissionDenied, or Http404 for one that is not the user's."""
        vendor: Vendor | None = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]  # of the admin
        if not self.has_change_permission(request, vendor):  # type: ignore[attr-defined]  # as above
            raise PermissionDenied
        if vendor is None:
            raise Http404(f"There is no vendor {object_id} among yours.")
        return vendor

    def report_change(self, request: HttpRequest, vendor: Vendor, text: str, level: int = messages.SUCCESS) -> None:
        """Show a message, and write it into the vendor's history."""
        self.log_change(request, vendor, text)  # type: ignore[attr-defined]  # as above
        messages.add_message(request, level, text)


def number_or_404(request: HttpRequest, name: str) -> int:
    """Return the number of a row in a POST. Raise Http404."""
    text = request.POST.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise Http404(f"{text!r} is no {name}’s number.")
    return int(text)
