"""The audit log and the second factors in the admin: searchable by the name and e-mail address of users."""

from copy import copy
from typing import Any

from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from auditlog.render import render_logentry_changes_html
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin  # noqa: F401 -- registers it, before it is unregistered here
from django.contrib.auth.models import Group
from django.http import HttpRequest

from mall.admin_site.relations import may_open
from vendors.models.amount_fields import amounts_of
from vendors.money import Money
from vendors.read_only_admin import ReadOnlyAdminMixin


class LostAuthenticatorAdmin(ReadOnlyAdminMixin, AuthenticatorAdmin):  # type: ignore[misc]  # allauth has no types
    """Show who has a second factor, without its secret; a lost one is deleted by a superuser."""

    fields = ("user", "type", "created_at", "last_used_at")
    readonly_fields = fields
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)


class SearchableLogEntryAdmin(LogEntryAdmin):  # type: ignore[misc]  # auditlog has no types
    """Show changes with amounts as money, and links to the rows and people that the reader may open."""

    search_fields = ("object_repr", "changes", "actor__name", "actor__email")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns with the reader's links."""
        return self._with_links(request, super().get_list_display(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fieldsets with the reader's links."""
        fieldsets = super().get_fieldsets(request, obj)
        return [(title, {**each, "fields": self._with_links(request, each["fields"])}) for title, each in fieldsets]

    def _with_links(self, request: HttpRequest, names: Any) -> list[Any]:
        @admin.display(description="Resource")
        def resource_url(entry: Any) -> Any:
            model = entry.content_type.model_class()
            is_open = model is not None and may_open(request, model, entry.object_id or entry.object_pk)
            return self.resource_url(entry) if is_open else f"{entry.content_type} - {entry.object_repr}"

        @admin.display(description="User")
        def user_url(entry: Any) -> Any:
            is_open = may_open(request, get_user_model(), entry.actor_id)
            return self.user_url(entry) if is_open else str(entry.actor or "system")

        links = {"resource_url": resource_url, "user_url": user_url}
        return [links.get(name, name) for name in names]

    @admin.display(description="Changes")
    def msg(self, entry: Any) -> Any:
        """Return a table of the changes."""
        shown = copy(entry)
        shown.changes = with_money(entry)
        return render_logentry_changes_html(shown)


def with_money(entry: LogEntry) -> dict[str, Any]:
    """Return the changes of an entry, amounts as money; of a row that is gone, as they were stored."""
    changes: dict[str, Any] = entry.changes_dict
    model: Any = entry.content_type.model_class()
    amounts = amounts_of(model) & changes.keys() if model else set()
    row = model._base_manager.filter(pk=entry.object_pk).first() if amounts else None
    if row is None:
        return changes
    return changes | {name: [_money(text, row.currency) for text in changes[name]] for name in amounts}


def _money(text: str, currency: str) -> str:
    return str(Money(int(text), currency)) if text.isdecimal() else text


admin.site.unregister(Group)  # permissions come with the roles of mall.accounts.roles
admin.site.unregister(Authenticator)
admin.site.register(Authenticator, LostAuthenticatorAdmin)
admin.site.unregister(LogEntry)
admin.site.register(LogEntry, SearchableLogEntryAdmin)
