"""Buttons beside the form of a row in the admin: each is a POST to an address of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from sessions_farm.communities.errors import CommunityError


class ActionRefusedError(CommunityError):
    """The action of a button was refused; the message says why, and what to do."""


class ButtonsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """``buttons`` names methods: ``f(request, row)`` does one thing, and may return a response of its own.

    They need the permission to change the row. Each action is shown as a message, and recorded in the row's history.
    """

    class Media:
        css = {"all": ("sessions_farm/admin.css",)}
        js = (Script("sessions_farm/copy.js", type="module"),)

    buttons: tuple[str, ...] = ()
    refusals: tuple[type[Exception], ...] = (CommunityError,)  # shown as messages

    def get_urls(self) -> list[URLPattern]:
        """Add an address for each button."""
        wrap = self.admin_site.admin_view
        own = [
            path(
                f"<path:object_id>/{name.replace('_', '-')}/",
                wrap(require_POST(partial(self.run_button, name=name))),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name in self.buttons
        ]
        return own + super().get_urls()

    def run_button(self, request: HttpRequest, object_id: str, *, name: str) -> HttpResponse:
        """Run the method of a button, and lead back to the row's page."""
        row = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        response: HttpResponse | None = None
        try:
            response = getattr(self, name)(request, row)
        except self.refusals as error:
            self.message_user(request, f"Not done: {error}", messages.ERROR)
        return response or HttpResponseRedirect(self.change_url(row))

    def change_url(self, row: Any) -> str:
        """Return the address of a row's page."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[row.pk], current_app=self.admin_site.name)

    def record(self, request: HttpRequest, row: Any, text: str, level: int = messages.SUCCESS) -> None:
        """Show a message, and write it into the row's history."""
        self.log_change(request, row, text)
        self.message_user(request, text, level)

    def page_context(self, request: HttpRequest, title: str, **context: Any) -> dict[str, Any]:
        """Return the context of a page in the admin."""
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
