"""Read-only admin of the visits of a vendor's support page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from support_watch.access import WATCHERS
from support_watch.models import SupportVisit
from vendors.scoped_admin import VendorScopedAdmin

SHOWN = ("name", "vendor", "page", "path", "arrived_at", "left_at", "published", "late", "level")


@admin.register(SupportVisit)
class SupportVisitAdmin(VendorScopedAdmin):
    vendor_roles = frozenset(WATCHERS)
    list_display = ["name", "vendor", "page", "arrived_at", "left_at", "late"]
    list_filter = ["late"]
    list_select_related = ["vendor"]
    date_hierarchy = "arrived_at"
    ordering = ["-arrived_at"]
    fields = SHOWN
    readonly_fields = SHOWN

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
