"""The audit log and the second factors in the admin: searchable by the name and e-mail address of users."""

from typing import Any

from allauth.mfa.admin import AuthenticatorAdmin
from allauth.mfa.models import Authenticator
from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin  # noqa: F401 -- registers it, before it is unregistered here
from django.contrib.auth.models import Group
from django.http import HttpRequest

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
    search_fields = ("object_repr", "changes", "actor__name", "actor__email")


admin.site.unregister(Group)  # permissions come with the roles of mall.accounts.roles
admin.site.unregister(Authenticator)
admin.site.register(Authenticator, LostAuthenticatorAdmin)
admin.site.unregister(LogEntry)
admin.site.register(LogEntry, SearchableLogEntryAdmin)
