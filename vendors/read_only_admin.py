"""Mixin for read-only admin pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from vendors.models.amount_fields import as_money


class ReadOnlyAdminMixin:
    """Deny add, change and delete in a ModelAdmin or an inline, and show amounts as money."""

    model: Any

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fields, those of amounts as their money."""
        return as_money(self.model, super().get_fields(request, obj))  # type: ignore[misc]  # of the admin it is mixed into

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the read-only fields, those of amounts as their money."""
        return as_money(self.model, super().get_readonly_fields(request, obj))  # type: ignore[misc]  # as above

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
