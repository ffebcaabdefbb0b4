"""The admin's entry and front page."""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.csrf import csrf_exempt

from mall.admin_site import dashboard, kept_text, letters_page, onboarding_page, reconciliation_page
from mall.admin_site.autocomplete import RelationAutocompleteView
from mall.admin_site.crafted import CraftedRequestsMixin
from mall.admin_site.menu import menu_of
from mall.admin_site.mixing import mixed
from mall.admin_site.relations import OwnAndInlineRelationsMixin
from mall.admin_site.seen import guarded

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.template.response import TemplateResponse


class MallAdminSite(admin.AdminSite):
    site_header = "The mall"
    site_title = "The mall"
    index_title = "Today"
    site_url = "/"

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Register an admin whose forms overwrite no value that they did not show, and link to no closed page."""
        checked: Any = guarded(admin_class or admin.ModelAdmin)
        for mixin in (CraftedRequestsMixin, OwnAndInlineRelationsMixin):
            checked = mixed(mixin, checked)
        super().register(model_or_iterable, checked, **options)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return the context of every page: Django's own, and the menu."""
        context = super().each_context(request)
        return context | {"menu": menu_of(request)} if context["has_permission"] else context

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002 -- Django's signature
        """Wrap a view of the admin; a form whose session has ended is answered with its text."""
        checked = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            is_form = request.method == "POST" and request.path != reverse("admin:logout", current_app=self.name)
            if is_form and request.user.is_anonymous and kept_text.has_text(request):
                return kept_text.ask_to_sign_in(request)
            response: HttpResponseBase = checked(request, *args, **kwargs)
            return response

        return update_wrapper(inner, checked)

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Return Django's URLs without ``/r/``: it redirects any member of staff to any order's signed status page."""
        kept = [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]
        own = [
            path("reconciliation/", self.admin_view(self.reconciliation), name="reconciliation"),
            path("letter-kinds/", self.admin_view(self.letter_kinds), name="letter_kinds"),
            path("letter-kinds/<slug:kind>/", self.admin_view(self.letter_kind), name="letter_kind"),
            path(
                "letter-kinds/<slug:kind>/<slug:scheme>/", self.admin_view(letters_page.html_view), name="letter_html"
            ),
            path("kept/", self.admin_view(csrf_exempt(self.kept)), name="kept"),
            path("setup/<int:pk>/", self.admin_view(self.setup), name="setup"),
        ]
        return [*own, *kept]

    def autocomplete_view(self, request: HttpRequest) -> Any:
        """Return suggestions, for fields that have selects."""
        return RelationAutocompleteView.as_view(admin_site=self)(request)

    def reconciliation(self, request: HttpRequest) -> HttpResponse:
        """Show the reconciliation page."""
        return reconciliation_page.reconciliation_view(request, self.each_context(request))

    def letter_kinds(self, request: HttpRequest) -> HttpResponse:
        """List the kinds of letter."""
        return letters_page.list_view(request, self.each_context(request))

    def letter_kind(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Show a kind of letter."""
        return letters_page.kind_view(request, kind, self.each_context(request))

    def setup(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the page of a vendor's set-up."""
        return onboarding_page.setup_view(request, pk, self.each_context(request))

    def kept(self, request: HttpRequest) -> HttpResponse:
        """Show a form again that a session's end had stopped."""
        return kept_text.show_again(request, self.each_context(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Redirect to the accounts' sign-in page, which has the rate limit; say so to people without a shop."""
        if self.has_permission(request):
            return HttpResponseRedirect(reverse("admin:index", current_app=self.name))
        if request.user.is_authenticated:
            return render(request, "admin/no_access.html", status=403)
        return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("account_login"))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show the dashboard."""
        return super().index(request, {**(extra_context or {}), **dashboard.dashboard_context(request)})
