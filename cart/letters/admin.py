"""The outbox in the admin: the mall's staff see which letters were not taken, and send them again, or elsewhere."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
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


class AgainForm(forms.Form):
    """Take the address that a letter is sent to once more."""

    to = forms.EmailField(
        label="Send it to",
        help_text="It holds the link to the order, which is a key: be sure that the buyer reads mail there.",
        widget=forms.EmailInput(attrs={"size": 60}),
    )


@admin.register(Letter)
class LetterAdmin(ReadOnlyAdminMixin, BulkActionsMixin):
    """Show letters."""

    list_display = ["subject", "kind", "created_at", "due_at", "sent_at", "sent_to", "problem"]
    list_filter = [
        GivenUpFilter,
        ("refused_at", admin.EmptyFieldListFilter),
        "kind",
        ("problem", admin.EmptyFieldListFilter),
        ("sent_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["order"]
    search_fields = ["order__number", "order__email", "sent_to"]
    date_hierarchy = "created_at"
    actions = [bulk(SendAgain, "send")]

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may send letters again."""
        return request.user.has_perm("letters.change_letter")

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs with that of sending a letter elsewhere."""
        again = self.admin_site.admin_view(self.again_view)
        return [path("<int:pk>/again/", again, name="letters_letter_again"), *super().get_urls()]

    def again_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask where a letter is to be sent once more; a POST sends it."""
        if not self.has_send_permission(request):
            raise PermissionDenied
        letter = get_object_or_404(Letter.objects.select_related("order"), pk=pk)
        form = AgainForm(request.POST or None, initial={"to": letter.addressee})
        if request.method == "POST" and form.is_valid():
            return self._send_elsewhere(request, letter, form.cleaned_data["to"])
        context = {
            **self.admin_site.each_context(request),
            "title": f"Send again: {letter}",
            "letter": letter,
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/letters/letter/again.html", context)

    def _send_elsewhere(self, request: HttpRequest, letter: Letter, to: str) -> HttpResponse:
        if outbox.send_elsewhere(letter.pk, to, timezone.now()):
            self.log_change(request, letter, f"Sent again, to {to}.")
            messages.success(request, f"The letter goes to {to}.")
        else:
            messages.error(request, "Nothing was changed: the letter waits and goes by itself.")
        return HttpResponseRedirect(reverse("admin:letters_letter_change", args=[letter.pk]))
