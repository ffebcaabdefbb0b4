"""The outbox in the admin: the mall's staff see which letters were not taken, and send them again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from cart.letters import outbox
from cart.letters.models import Letter
from vendors.read_only_admin import ReadOnlyAdminMixin


class GivenUpFilter(admin.SimpleListFilter):
    """Select the letters that are tried no more."""

    title = "given up"
    parameter_name = "given_up"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice."""
        return [("yes", "not taken, and given up")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Select by the choice."""
        return queryset.filter(due_at=None, sent_at=None) if self.value() == "yes" else queryset


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdminMixin, admin.ModelAdmin):  # type: ignore[type-arg]  # not subscriptable at run time
    """Show letters."""

    list_display = ["order", "kind", "created_at", "due_at", "sent_at", "problem"]
    list_filter = [
        GivenUpFilter,
        "kind",
        ("problem", admin.EmptyFieldListFilter),
        ("sent_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["order"]
    search_fields = ["order__number", "order__email"]
    date_hierarchy = "created_at"
    actions = ["send_again"]

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may send letters again."""
        return request.user.has_perm("letters.change_letter")

    @admin.action(description="Send again, where it was given up", permissions=["send"])
    def send_again(self, request: HttpRequest, letters: QuerySet[Any]) -> None:
        """Make the selected letters due that were given up."""
        number = outbox.send_again(letters, timezone.now())
        messages.success(request, f"{number} letter{'' if number == 1 else 's'} will be sent again.")
