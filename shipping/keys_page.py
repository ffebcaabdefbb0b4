"""The page in the admin on which the keys of a department are made, shown once, and retired."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from shipping import envelope, signing_keys
from shipping.models import Department, VendorKey

TEMPLATE = "admin/shipping/department/keys.html"
MAKES = {"make": envelope.HMAC_SHA256, "make-ed25519": envelope.ED25519_PRIVATE}
"""The buttons that make a key, with its algorithm."""


class KeysPageMixin:
    """Add the page to the admin of departments; it needs the permission to change the department."""

    admin_site: admin.AdminSite
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.keys_view)
        own = path("<path:object_id>/keys/", view, name="shipping_department_keys")
        return [own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def keys_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the keys that sign; a POST makes one, and shows it this once, or retires one and leads back."""
        department = self._department_or_404(request, object_id)
        made = ""
        if request.method == "POST":
            try:
                made = self._press(request, department)
            except signing_keys.KeyRefusedError as error:
                messages.error(request, f"Not done: {error}")
            if not made:
                return HttpResponseRedirect(reverse("admin:shipping_department_keys", args=[department.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"The keys of {department}",
            "opts": self.opts,
            "department": department,
            "made": made,
            "keys": VendorKey.objects.signing().filter(vendor=department.vendor),
            "retired": VendorKey.objects.filter(vendor=department.vendor, retired_at__isnull=False)[:10],
        }
        return TemplateResponse(request, TEMPLATE, context)

    def _department_or_404(self, request: HttpRequest, object_id: str) -> Department:
        department: Department | None = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]  # of the admin
        if not self.has_change_permission(request, department):  # type: ignore[attr-defined]  # as above
            raise PermissionDenied
        if department is None:
            raise Http404(f"There is no department {object_id} among yours.")
        return department

    def _press(self, request: HttpRequest, department: Department) -> str:
        """Do as the pressed button says; return the line of a key that was made. Raise KeyRefusedError."""
        if algorithm := MAKES.get(request.POST.get("button", "")):
            key = signing_keys.add_key(vendor=department.vendor, algorithm=algorithm)
            self.log_change(request, department, f"Made key {key.key_id}.")  # type: ignore[attr-defined]  # as above
            return key.line
        key_id = request.POST.get("retire", "")
        signing_keys.retire_key(vendor=department.vendor, key_id=key_id, now=timezone.now())
        self.log_change(request, department, f"Retired key {key_id}.")  # type: ignore[attr-defined]  # as above
        messages.success(request, f"{key_id} signs no more. Take its line out of the department’s key file.")
        return ""
