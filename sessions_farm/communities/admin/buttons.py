"""Buttons beside the form of a row in the admin: each is a POST to an address of its own."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST


class Refusal(Exception):
    """What a button was to do is not done; the message says why, and what to do."""


class ButtonsAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """``buttons`` names methods: ``f(request, row)`` does one thing, and answers itself or leads back to the row.

    Whoever may change the row may press them. What was done is told, and written into the row's history.
    """

    class Media:
        css = {"all": ("sessions_farm/admin.css",)}

    buttons: tuple[str, ...] = ()
    refusals: tuple[type[Exception], ...] = (Refusal,)  # its own and the services': told as they are

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(
                f"<path:object_id>/{name.replace('_', '-')}/",
                wrap(require_POST(partial(self.press, name=name))),
                name=f"{self.opts.app_label}_{self.opts.model_name}_{name}",
            )
            for name in self.buttons
        ]
        return own + super().get_urls()

    def press(self, request: HttpRequest, object_id: str, *, name: str) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        if row is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        answer: HttpResponse | None = None
        try:
            answer = getattr(self, name)(request, row)
        except self.refusals as error:
            self.message_user(request, f"Not done: {error}", messages.ERROR)
        return answer or HttpResponseRedirect(self.page_of(row))

    def page_of(self, row: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[row.pk], current_app=self.admin_site.name)

    def note(self, request: HttpRequest, row: Any, words: str, level: int = messages.SUCCESS) -> None:
        """Tell what was done, and write it into the row's history."""
        self.log_change(request, row, words)
        self.message_user(request, words, level)

    def page(self, request: HttpRequest, title: str, **context: Any) -> dict[str, Any]:
        """The context of a page of its own."""
        return {**self.admin_site.each_context(request), "title": title, "opts": self.opts, **context}
