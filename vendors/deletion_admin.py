"""Mixin for the admin of goods: a deletion of held or ordered goods is refused with the advice to withdraw them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from vendors.bulk_actions import BulkActionsMixin
from vendors.models import Stock, Variant
from vendors.models.deletion import ADVICE, lock_for_deletion
from vendors.scoped_admin import VendorScopedAdmin


class WithdrawnNotDeletedAdmin(BulkActionsMixin, VendorScopedAdmin):
    """Say which goods cannot be deleted and what to do; variants and stock rows go with goods that nothing needs.

    ``stock_lookup`` leads from a stock row to the goods.
    """

    actions = ["delete_selected"]
    stock_lookup = ""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List the rows that would be deleted, while no checkout can begin to hold the goods."""
        if request.method == "POST":
            lock_for_deletion(**{f"{self.stock_lookup}__in": [goods.pk for goods in objs]})
        deleted, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, perms_needed - {Stock._meta.verbose_name, Variant._meta.verbose_name}, protected

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead back to the goods with the advice where they cannot be deleted."""
        response = super().delete_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None) or {}
        if not context.get("protected"):
            return response
        self.message_user(request, f"{context['object']} {ADVICE}", messages.ERROR)
        page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(page, args=[context["object"].pk]))

    @admin.action(permissions=["delete"], description="Delete selected %(verbose_name_plural)s")
    def delete_selected(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Delete the selected goods, or none with the advice where one is needed."""
        with transaction.atomic():
            response = delete_selected(self, request, rows)
        protected = (getattr(response, "context_data", None) or {}).get("protected")
        if not protected:
            return response
        self.message_user(request, f"One of the selected {self.opts.verbose_name_plural} {ADVICE}", messages.ERROR)
        return None
