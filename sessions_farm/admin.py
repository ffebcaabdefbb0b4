"""Communities and their domains in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from sessions_farm import admin_sessions  # noqa: F401  # registers itself; Django looks for this module alone
from sessions_farm.models import Community, Domain


class CommunityForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    """The master is one of the community's own hosts; a new community gets its domains first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "master" in self.fields:
            own = Domain.objects.filter(community=self.instance.pk, kind=Domain.Kind.EXACT)
            self.fields["master"].queryset = own  # type: ignore[attr-defined]  # a ModelChoiceField


class DomainInline(admin.TabularInline):  # type: ignore[type-arg]  # as above
    model = Domain
    extra = 1
    fields = ("host", "kind", "status", "canonical")
    ordering = ("host",)


@admin.register(Community)
class CommunityAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    form = CommunityForm
    inlines = (DomainInline,)
    list_display = ("name", "slug", "master", "handoff_policy", "hosts", "is_active")
    list_filter = ("is_active", "handoff_policy")
    list_select_related = ("master",)
    search_fields = ("name", "slug", "domains__host")
    fieldsets = (
        (None, {"fields": ("name", "slug", "is_active", "master")}),
        ("Identity", {"fields": ("cookie_name", "id_generator", "key_epoch", "cookieless")}),
        ("Hand-off", {"fields": ("handoff_policy", "peer_authority", "first_add_landing")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Community]:
        communities: QuerySet[Community] = super().get_queryset(request)
        return communities.annotate(host_count=Count("domains"))

    @admin.display(description="Hosts", ordering="host_count")
    def hosts(self, community: Community) -> int:
        return int(community.host_count)  # type: ignore[attr-defined]  # annotated above


@admin.register(Domain)
class DomainAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    list_display = ("host", "community", "kind", "status", "canonical")
    list_filter = ("community", "kind", "status")
    list_select_related = ("community", "canonical")
    search_fields = ("host",)
    autocomplete_fields = ("canonical",)
