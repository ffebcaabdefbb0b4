"""The admin's entry and front page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, reverse

from mall.admin_site import dashboard
from mall.admin_site.seen import guarded

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.template.response import TemplateResponse


class MallAdminSite(admin.AdminSite):
    site_header = "The mall"
    site_title = "The mall"
    index_title = "Today"
    site_url = "/"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register an admin whose forms refuse to overwrite what they did not show."""
        super().register(model_or_iterable, guarded(admin_class or admin.ModelAdmin), **options)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return Django's URLs without ``/r/``: it redirects any member of staff to any order's signed status page."""
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the accounts' sign-in page, which has the rate limit; say so to people who work for no shop."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            return render(request, "admin/no_access.html", status=403)
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("account_login"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the dashboard."""
        return super().index(request, {**(extra_context or {}), **dashboard.dashboard_context(request)})
