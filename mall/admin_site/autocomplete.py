"""The suggestions of the admin's selects, for fields that have selects."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.http import HttpRequest


class RelationAutocompleteView(AutocompleteJsonView):
    """Refuse the name of a field that is no relation of the row's own; Django fails at a reverse one."""

    def process_request(self, request: HttpRequest) -> Any:
        """Return what Django returns. Raise PermissionDenied."""
        try:
            model = apps.get_model(request.GET["app_label"], request.GET["model_name"])
            field = model._meta.get_field(request.GET["field_name"])
        except (KeyError, LookupError, ValueError, FieldDoesNotExist) as error:
            raise PermissionDenied from error
        if not (field.concrete and field.is_relation):
            raise PermissionDenied
        return super().process_request(request)
