"""The outbox in the admin: the mall's staff see which letters were not taken, and send them again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from cart.letters import outbox
from cart.letters.models import Letter
from vendors.bulk_actions import BulkActionsMixin, RowsAction, SeenRow, bulk
from vendors.jobs.models import Job, Refusal
from vendors.read_only_admin import ReadOnlyAdminMixin


class SendAgain(RowsAction):
    """Make letters due that were given up."""

    name = "send_again"
    description = "Send again, where it was given up"
    roles = frozenset()  # letters are the mall's own
    permission = "letters.change_letter"

    def apply(self, job: Job, rows: list[SeenRow]) -> list[Refusal]:
        """Make the letters due; return the others."""
        keys = {row[0] for row in rows}
        due = outbox.send_again(keys, timezone.now())
        return [(f"letter {key}", "It is sent, or goes by itself.") for key in sorted(keys - due)]


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
class LetterAdmin(ReadOnlyAdminMixin, BulkActionsMixin):
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
    actions = [bulk(SendAgain, "send")]

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may send letters again."""
        return request.user.has_perm("letters.change_letter")
