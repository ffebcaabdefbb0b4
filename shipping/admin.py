"""Admin of shipping departments, their routes and dispatches."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from shipping import department_facts, diagnosis, runner, services, signing_keys, transports
from shipping.bulk import RedriveDispatches, ReplayDispatches
from shipping.forms import RouteForm, form_for
from shipping.keys_page import KeysPageMixin
from shipping.models import Attempt, Department, Dispatch, Route, ScriptRun, VendorKey
from shipping.script_admin import ScriptRunAdmin
from shipping.states import State
from vendors.bulk_actions import BulkActionsMixin, bulk
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, VendorScopedInline

TESTED_AT_ONCE = 5

admin.site.register(ScriptRun, ScriptRunAdmin)

# Read-only fields.
ROUTE_HEALTH = ("state", "health", "reason", "failing_since", "open_until", "last_ok_at", "last_ack_at")
ATTEMPT = ("number", "started_at", "ended_at", "outcome", "code", "response", "meaning", "worker")
DISPATCH = (
    *("consignment", "action", "state", "reason", "route", "tries", "created_at", "next_at"),
    *("first_sent_at", "acked_at", "ack_by"),
)
SENT_FORM = ("revision", "key", "sha256", "lease_owner", "body_as_json")


@admin.register(Department)
class DepartmentAdmin(KeysPageMixin, VendorScopedAdmin):
    list_display = ["vendor", "name"]
    list_select_related = ["vendor"]
    search_fields = ["vendor__name", "name"]
    readonly_fields = ["keys"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # its routes have dispatches; hold the routes instead

    def get_queryset(self, request: HttpRequest) -> QuerySet[Department]:
        rows: QuerySet[Department] = super().get_queryset(request).select_related("vendor")
        return rows

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the way to the keys where their page is closed."""
        names = super().get_fields(request, obj)
        return names if self.has_change_permission(request, obj) else [name for name in names if name != "keys"]

    def save_model(self, request: HttpRequest, obj: Department, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        super().save_model(request, obj, form, change)
        signing_keys.ensure_key(vendor=obj.vendor)

    @admin.display(description="keys")
    def keys(self, department: Department) -> SafeString | str:
        if department._state.adding:
            return "The first one is made with the department."
        number = VendorKey.objects.signing().filter(vendor=department.vendor).count()
        page = reverse("admin:shipping_department_keys", args=[department.pk])
        return format_html('<a href="{}">{} in use: make one, retire one</a>', page, number)


@admin.register(Route)
class RouteAdmin(BulkActionsMixin, VendorScopedAdmin):
    vendor_path = "department__vendor"
    form = RouteForm
    list_display = ["department", "rank", "transport", "state", "health", "waiting", "last_ok_at"]
    list_filter = ["state", "transport"]
    list_select_related = ["department__vendor"]
    readonly_fields = ("for_the_department", *ROUTE_HEALTH)
    actions = ["try_out", "hold", "release"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # dispatches and attempts name it; hold it instead

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the transport first: each has a form of its own."""
        if request.GET.get("transport") in transports.CLASSES:
            return super().add_view(request, form_url, extra_context)
        if not self.has_add_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": "How does the department take orders?",
            "opts": self.opts,
            "transports": [
                (name, label, transports.get_transport(name).description) for name, label in transports.choices()
            ],
        }
        return TemplateResponse(request, "admin/shipping/choose_transport.html", context)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        settings = transports.get_transport(self._transport(request, obj)).settings
        own = list(settings().fields)  # in the form's own order
        return ["department", "rank", *own, "ack_policy", *(("for_the_department", *ROUTE_HEALTH) if obj else ())]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        form = form_for(self._transport(request, obj), self.form)
        return super().get_form(request, obj, change, form=form, **kwargs)

    def save_model(self, request: HttpRequest, obj: Route, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        if not change:
            obj.transport = self._transport(request, None)
        super().save_model(request, obj, form, change)

    @staticmethod
    def _transport(request: HttpRequest, route: Route | None) -> str:
        chosen = request.GET.get("transport", "")
        if route:
            return route.transport
        return chosen if chosen in transports.CLASSES else next(iter(transports.CLASSES))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Route]:
        unsent = Count("dispatches", filter=Q(dispatches__state__in=(State.READY, State.HELD, State.SENDING)))
        rows: QuerySet[Route] = super().get_queryset(request).annotate(unsent=unsent)
        return rows

    @admin.display(description="for the department")
    def for_the_department(self, route: Route) -> SafeString | str:
        """Return what its program must know: keys, addresses, a password that the mall made."""
        facts = department_facts.of_route(route)
        return format_html_join("", "<p>{}: <code>{}</code></p>", facts) if facts else "Nothing besides its key."

    @admin.display(description="waiting", ordering="unsent")
    def waiting(self, route: Route) -> int:
        return int(getattr(route, "unsent", 0))

    @admin.display(description="health")
    def health(self, route: Route) -> str:
        if route.open_until is not None:
            return f"not reached, {route.failures} failures in a row; tried again by itself"
        return f"{route.failures} failures in a row" if route.failures else "well"

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with that of a route's test."""
        test = self.admin_site.admin_view(require_POST(self.try_out_view))
        return [path("<path:object_id>/test/", test, name="shipping_route_test"), *super().get_urls()]

    def try_out_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send a test over a route, and lead back to its page, which says how it went."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        route = get_object_or_404(self.get_queryset(request), pk=object_id)
        self._try_out(request, self.get_queryset(request).filter(pk=route.pk))
        return HttpResponseRedirect(reverse("admin:shipping_route_change", args=[route.pk]))

    @admin.action(description="Send a test, and say how it went", permissions=["change"])
    def try_out(self, request: HttpRequest, routes: QuerySet[Route]) -> None:
        self._try_out(request, routes)

    @staticmethod
    def _try_out(request: HttpRequest, routes: QuerySet[Route]) -> None:
        chosen = Route.objects.filter(pk__in=routes).select_related("department__vendor")
        tried = list(chosen.with_keys()[:TESTED_AT_ONCE])
        for route, said in zip(tried, runner.try_out(tried), strict=True):
            level = messages.WARNING if said.startswith("It failed") else messages.SUCCESS
            messages.add_message(request, level, f"{route}: {said}")

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

    @admin.display(description="meaning")
    def meaning(self, attempt: Attempt) -> str:
        if '"duplicate"' in attempt.response:
            return "It had it already; nothing changed there."
        failed = attempt.outcome in {Attempt.Outcome.RETRY, Attempt.Outcome.REFUSED}
        return diagnosis.meaning_of(f"{attempt.response} {attempt.code}") if failed else ""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Dispatch)
class DispatchAdmin(BulkActionsMixin, VendorScopedAdmin):
    vendor_roles = ORDER_ROLES
    vendor_path = "consignment__vendor"
    list_display = ["consignment", "vendor", "action", "state", "reason", "tries", "next_at", "acked_at"]
    list_filter = ["state", "action", "route__transport", "consignment__vendor"]
    list_select_related = ["consignment__vendor"]
    search_fields = ["key", "consignment__number", "consignment__order__number"]
    date_hierarchy = "created_at"
    fieldsets = [(None, {"fields": DISPATCH}), ("As it is sent", {"fields": SENT_FORM, "classes": ["collapse"]})]
    readonly_fields = (*DISPATCH, *SENT_FORM)
    inlines = [AttemptInline]
    actions = [bulk(RedriveDispatches, "redrive"), bulk(ReplayDispatches, "redrive")]
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
