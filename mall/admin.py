"""The audit log in the admin, searchable by the name and e-mail address of users."""

from auditlog.admin import LogEntryAdmin
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin  # noqa: F401 -- registers it, before it is unregistered here
from django.contrib.auth.models import Group


class SearchableLogEntryAdmin(LogEntryAdmin):  # type: ignore[misc]  # auditlog has no types
    search_fields = ("object_repr", "changes", "actor__name", "actor__email")


admin.site.unregister(Group)  # permissions come with the roles of mall.accounts.roles
admin.site.unregister(LogEntry)
admin.site.register(LogEntry, SearchableLogEntryAdmin)
