"""Admin of scripts on agents: people start one of an agent's own list, and see how it ended."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from shipping import agent_scripts, script_runs
from shipping.agent_scripts import OfferedScript, ScriptRefusedError
from shipping.models import Route, ScriptRun
from shipping.script_forms import ScriptRunForm
from shipping.transports.agent import WAIT
from vendors.scoped_admin import ORDER_ROLES, VendorScopedAdmin, may_see_all, vendor_ids


class AgentRow:
    """A route to an agent as the page of choices shows it: its scripts, and why none can be started now."""

    def __init__(self, route: Route, now: Any) -> None:
        self.route = route
        self.agent_list = agent_scripts.list_of(route.department)
        self.scripts = list(agent_scripts.scripts_of(self.agent_list).values())
        self.refusal = ""
        try:
            script_runs.refuse_away(route, now)
        except ScriptRefusedError as error:
            self.refusal = str(error)


class ScriptRunAdmin(VendorScopedAdmin):
    """Show the runs of a vendor's agents, and start one."""

    vendor_roles = ORDER_ROLES
    vendor_path = "route__department__vendor"
    list_display = ["script", "vendor", "state", "started_by", "created_at", "ended_at", "exit_code"]
    list_filter = ["state", "route__department__vendor"]
    list_select_related = ["route__department__vendor", "started_by"]
    search_fields = ["script", "key"]
    date_hierarchy = "created_at"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="vendor", ordering="route__department__vendor__name")
    def vendor(self, run: ScriptRun) -> str:
        return str(run.route.department.vendor)

    def routes(self, request: HttpRequest) -> QuerySet[Route]:
        """Return the routes to agents of the vendors for whose orders the user works."""
        found = Route.objects.filter(transport=agent_scripts.TRANSPORT).select_related("department__vendor")
        if not may_see_all(request):
            found = found.filter(department__vendor__in=vendor_ids(request, self.vendor_roles))
        return found.order_by("department__vendor__name", "rank")

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with that of the button that takes a run back."""
        view = self.admin_site.admin_view(require_POST(self.withdraw_view))
        return [path("<path:object_id>/withdraw/", view, name="shipping_scriptrun_withdraw"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Show the scripts to choose from; then the form of one, by which it is started."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        now = timezone.now()
        if "script" not in request.GET:
            rows = [AgentRow(route, now) for route in self.routes(request)]
            return self._page(request, "choose_script.html", "Which script?", {"agents": rows, "now": now})
        route, script = self._chosen(request)
        form = ScriptRunForm(request.POST or None, script=script)
        if request.method == "POST" and form.is_valid():
            try:
                run = script_runs.start_run(route=route, wish=form.wish, user=request.user, now=now)
            except ScriptRefusedError as error:
                form.refuse(error)
            else:
                return self._started(request, run)
        context = {"form": form, "script": script, "agent": AgentRow(route, now)}
        return self._page(request, "start_script.html", f"Start {script.name}", context)

    def _chosen(self, request: HttpRequest) -> tuple[Route, OfferedScript]:
        """Return the route and the script of an address; raise Http404 for any other than the agent offers."""
        number, name = request.GET.get("route", ""), request.GET["script"]
        number = number if number.isascii() and number.isdigit() and len(number) < 19 else "0"
        route = get_object_or_404(self.routes(request), pk=number)
        script = agent_scripts.scripts_of(agent_scripts.list_of(route.department)).get(name)
        if script is None or not script.by_hand:
            raise Http404("The agent’s list has no such script for people to start.")
        return route, script

    def _started(self, request: HttpRequest, run: ScriptRun) -> HttpResponse:
        """Lead to the run's page where it is waited for, else back to the list."""
        self.log_addition(request, run, f"Started {run.script} on {run.route.department}.")
        if run.mode == WAIT:
            return HttpResponseRedirect(reverse("admin:shipping_scriptrun_change", args=[run.pk]))
        messages.success(request, f"{run.script} is started; its end will stand here.")
        return HttpResponseRedirect(reverse("admin:shipping_scriptrun_changelist"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show a run: its state, its end and its output; while it is open the page looks again by itself."""
        run = self._run_or_404(request, object_id)
        context = {"run": run, "may_start": self.has_add_permission(request), "waits": script_runs.WAITS}
        return self._page(request, "script_run.html", f"{run.script} on {run.route.department}", context)

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take a run back that the agent has not fetched."""
        run = self._run_or_404(request, object_id)
        if not self.has_add_permission(request):
            raise PermissionDenied
        if script_runs.withdraw_run(run=run, now=timezone.now()):
            self.log_change(request, run, "Taken back.")
            messages.success(request, f"{run.script} was taken back; it does not run.")
        else:
            messages.warning(request, "Too late: the agent has fetched it, or it has ended.")
        return HttpResponseRedirect(reverse("admin:shipping_scriptrun_change", args=[run.pk]))

    def _run_or_404(self, request: HttpRequest, object_id: str) -> ScriptRun:
        run: ScriptRun | None = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, run):
            raise PermissionDenied
        if run is None:
            raise Http404(f"There is no run {object_id} among yours.")
        return run

    def _page(self, request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/shipping/{template}", whole)
