"""Admin of shipping departments, their routes and dispatches."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shipping import services
from shipping.bulk import RedriveDispatches
from shipping.forms import RouteForm
from shipping.models import Attempt, Department, Dispatch, Recall, Route
from vendors.bulk_actions import BulkActionsMixin, bulk
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, VendorScopedInline

# Read-only fields.
ROUTE_HEALTH = ("state", "health", "reason", "failing_since", "open_until", "last_ok_at")
ATTEMPT = ("number", "started_at", "ended_at", "outcome", "code", "response", "worker")
DISPATCH = (
    *("consignment", "revision", "key", "state", "reason", "route", "tries", "created_at", "next_at"),
    *("first_sent_at", "acked_at", "ack_by", "lease_owner", "lease_until", "sha256", "body_as_json"),
)


@admin.register(Department)
class DepartmentAdmin(VendorScopedAdmin):
    list_display = ["vendor", "name"]
    list_select_related = ["vendor"]
    search_fields = ["vendor__name", "name"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its routes have dispatches; hold the routes instead


@admin.register(Route)
class RouteAdmin(BulkActionsMixin, VendorScopedAdmin):
    vendor_path = "department__vendor"
    form = RouteForm
    list_display = ["department", "rank", "transport", "state", "health", "last_ok_at"]
    list_filter = ["state", "transport"]
    list_select_related = ["department__vendor"]
    fields = ["department", "rank", "transport", "config", "new_secrets", *ROUTE_HEALTH]
    readonly_fields = ROUTE_HEALTH
    actions = ["hold", "release"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # dispatches and attempts name it; hold it instead

    @admin.display(description="health")
    def health(self, route: Route) -> str:
        if route.open_until is not None:
            return f"not reached, {route.failures} failures in a row; tried again by itself"
        return f"{route.failures} failures in a row" if route.failures else "well"

    @admin.action(description="Hold: send nothing over it until it is put back into use", permissions=["change"])
    def hold(self, request: HttpRequest, routes: QuerySet[Route]) -> None:
        for route in routes:
            services.hold_route(route=route, reason="Held by hand.")
            self.log_change(request, route, "Held by hand.")

    @admin.action(description="Put back into use, and send its held dispatches at once", permissions=["change"])
    def release(self, request: HttpRequest, routes: QuerySet[Route]) -> None:
        for route in routes:
            waited = services.release_route(route=route, now=timezone.now())
            self.log_change(request, route, "Put back into use.")
            messages.success(request, f"{route}: {waited} held dispatches are due now.")


class AttemptInline(VendorScopedInline):
    model = Attempt
    vendor_roles = ORDER_ROLES
    fields = ATTEMPT
    readonly_fields = ATTEMPT
    ordering = ["-number"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RecallInline(VendorScopedInline):
    """Show what was cancelled after the dispatch was leased."""

    model = Recall
    vendor_roles = ORDER_ROLES
    fields = ("at", "line", "pieces")
    readonly_fields = fields
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dispatch)
class DispatchAdmin(BulkActionsMixin, VendorScopedAdmin):
    vendor_roles = ORDER_ROLES
    vendor_path = "consignment__vendor"
    list_display = ["consignment", "vendor", "revision", "state", "tries", "next_at", "acked_at", "reason"]
    list_filter = ["state", "route__transport", "consignment__vendor"]
    list_select_related = ["consignment__vendor"]
    search_fields = ["key", "consignment__number", "consignment__order__number"]
    date_hierarchy = "created_at"
    fields = DISPATCH
    readonly_fields = DISPATCH
    inlines = [AttemptInline, RecallInline]
    actions = [bulk(RedriveDispatches, "redrive")]
    seen_fields = ("state",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the order writes it

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="vendor", ordering="consignment__vendor__name")
    def vendor(self, dispatch: Dispatch) -> str:
        return str(dispatch.consignment.vendor)

    @admin.display(description="tries", ordering="fence")
    def tries(self, dispatch: Dispatch) -> int:
        return dispatch.fence

    @admin.display(description="body")
    def body_as_json(self, dispatch: Dispatch) -> SafeString:
        text = bytes(dispatch.body).decode("utf-8", "replace")
        try:
            text = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except ValueError:
            text = f"Not JSON: {text}"
        return format_html("<pre>{}</pre>", text)

    def has_redrive_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")
