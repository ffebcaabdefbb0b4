"""Read-only relations of the admin: a link where the person may open the page behind it, words where not.

Django links each to its page, whoever looks. The admin site puts this into all admins as they are registered.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import flatten
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest

from mall.admin_site.mixing import mixed


def may_open(request: HttpRequest, model: type[models.Model], key: Any) -> bool:
    """Return whether the person may open the admin's page of a row; it is looked up once a request."""
    if not admin.site.is_registered(model):
        return False
    options = admin.site.get_model_admin(model)
    if not options.has_view_permission(request):
        return False
    known: dict[Any, bool] = request.__dict__.setdefault("rows_to_open", {})
    if (model, key) not in known:
        known[model, key] = options.get_queryset(request).filter(pk=key).exists()
    return known[model, key]


@functools.cache
def words_of(field: models.ForeignKey[Any, Any]) -> Callable[[models.Model], str]:
    """Return the admin's column with the words of a relation."""

    def words(row: models.Model) -> str:
        related = getattr(row, field.name)
        return "-" if related is None else str(related)

    words.__name__ = field.name
    words.short_description = field.verbose_name  # type: ignore[attr-defined]  # read by the admin
    return words


class ReadOnlyRelationsMixin:
    """Show relations as words in an admin or inline."""

    model: type[models.Model]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the read-only fields, relations to closed pages as words."""
        names = super().get_readonly_fields(request, obj)  # type: ignore[misc]  # of the class it is mixed into
        return [self._in_words(request, obj, name) for name in names]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets with the same fields."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]  # as above
        shown = [name for _, options in fieldsets for name in flatten(options["fields"])]
        is_editor = self.has_change_permission(request, obj)  # type: ignore[attr-defined]  # as above
        given = super().get_readonly_fields(request, obj)  # type: ignore[misc]  # as above
        new = {name: self._in_words(request, obj, name) for name in (given if is_editor else shown)}
        return [(title, {**options, "fields": replaced(options["fields"], new)}) for title, options in fieldsets]

    def _in_words(self, request: HttpRequest, obj: Any, name: Any) -> Any:
        try:
            field: Any = self.model._meta.get_field(name)
        except FieldDoesNotExist:
            return name
        if obj is None or not (field.concrete and field.is_relation and not field.many_to_many):
            return name
        key = getattr(obj, field.attname) if isinstance(obj, self.model) else None
        return name if may_open(request, field.related_model, key) else words_of(field)


def replaced(fields: Any, new: dict[Any, Any]) -> list[Any]:
    """Return the fields of a fieldset, which may stand in lines, with new ones in place of some."""
    return [
        tuple(replaced(field, new)) if isinstance(field, (list, tuple)) else new.get(field, field) for field in fields
    ]


class OwnAndInlineRelationsMixin(ReadOnlyRelationsMixin):
    """Show relations as words in an admin and its inlines."""

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return [mixed(ReadOnlyRelationsMixin, inline) for inline in super().get_inlines(request, obj)]  # type: ignore[misc]
