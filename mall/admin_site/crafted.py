"""Answers in words to requests that no page of the admin makes, where Django's admin fails."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

SELECTED = "_selected_action"


class CraftedRequestsMixin:
    """Refuse a field that others cannot refer to, and a selection that names no rows."""

    model: type[models.Model]
    opts: Any

    def to_field_allowed(self, request: HttpRequest, to_field: str) -> bool:
        """Return whether other rows refer to rows of this model by a field; a reverse relation is none."""
        try:
            is_own = bool(self.opts.get_field(to_field).concrete)
        except FieldDoesNotExist:
            is_own = False
        return is_own and super().to_field_allowed(request, to_field)  # type: ignore[misc]  # of the admin it is mixed into

    def response_action(self, request: HttpRequest, queryset: Any, **place: Any) -> HttpResponse | None:
        """Run an action for rows that there may be."""
        key: Any = self.model._meta.pk
        try:
            for text in request.POST.getlist(SELECTED):
                key.run_validators(key.to_python(text))
        except (ValidationError, ValueError, OverflowError):
            messages.error(request, f"None of the {self.opts.verbose_name_plural} was changed: select them again.")
            return HttpResponseRedirect(request.get_full_path())
        response: HttpResponse | None = super().response_action(request, queryset, **place)  # type: ignore[misc]  # as above
        return response
