"""Communities in the admin: their domains, their present and next master, and pauses of hand-offs."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from sessions_farm.communities.admin.buttons import ActionRefusedError, ButtonsAdmin
from sessions_farm.communities.admin.explanations import state_text
from sessions_farm.communities.admin.forms import (
    CommunityForm,
    DomainForm,
    DomainFormSet,
    NextMasterForm,
    master_candidates,
)
from sessions_farm.communities.errors import MasterCandidateError
from sessions_farm.communities.handoff.pause import pause_handoffs, resume_handoffs
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.masters import (
    FORMER_MASTER_PERIOD,
    announce_master,
    candidate_fault,
    change_master,
    forget_former_master,
    withdraw_announcement,
)
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.openid.rotation import revoke_signing_keys, rotate_signing_key


class DomainInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    """The domains of a community. Each is changed and deleted on its own page, which explains it."""

    model = Domain
    form = DomainForm
    formset = DomainFormSet
    extra = 1
    fields = ("host", "kind", "state")
    readonly_fields = ("state",)
    ordering = ("host", "kind")
    can_delete = False
    show_change_link = True

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kind":  # one outside the farm needs addresses too, which its own page asks for
            kwargs["choices"] = [choice for choice in Domain.Kind.choices if choice[0] != Domain.Kind.EXTERNAL]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or super().has_change_permission(request, obj)

    @admin.display(description="State")
    def state(self, domain: Domain) -> str:
        return state_text(domain, timezone.now()) if domain.pk else "will wait for its proof"


@admin.register(Community)
class CommunityAdmin(ButtonsAdmin):
    form = CommunityForm
    inlines = (DomainInline,)
    buttons = ("announce", "withdraw", "change_over", "forget_former", "pause", "resume", "rotate_key", "revoke_keys")
    list_display = ("name", "slug", "master", "handoff_policy", "hosts", "is_active")
    list_filter = ("is_active", "handoff_policy")
    list_select_related = ("master",)
    search_fields = ("name", "slug", "domains__host")
    handing_off = ("handoff_policy", "peer_authority", "first_add_landing", "checkout_healing", "resync_hours")
    identity = ("cookie_name", "id_generator", "key_epoch", "cookieless")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Community]:
        communities: QuerySet[Community] = super().get_queryset(request)
        return communities.annotate(host_count=Count("domains"))

    @admin.display(description="Hosts", ordering="host_count")
    def hosts(self, community: Community) -> int:
        """Return the number of domains."""
        return int(community.host_count)  # type: ignore[attr-defined]  # annotated above

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        named = ("name", "slug", "is_active")
        return [
            (None, {"fields": named if obj is None else (*named, "master")}),  # its domains come first
            ("Hand-off", {"fields": self.handing_off}),
            ("Identity", {"fields": self.identity}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("master",) if obj is not None and obj.master_id else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.master_id is None)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's
        """Save the changed fields only: another master may have taken over meanwhile."""
        obj.save(update_fields=form.changed_data if change else None)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context |= community_context(context["original"].pk)
            context["may_change"] = self.has_change_permission(request, context["original"])
        return super().render_change_form(request, context, *args, **kwargs)

    def announce(self, request: HttpRequest, community: Community) -> None:
        """Announce the chosen domain as the next master."""
        form = NextMasterForm(community, request.POST)
        if not form.is_valid():
            raise ActionRefusedError("choose one of the domains that can be the master.")
        announce_master(community=community, domain=form.cleaned_data["domain"])
        self.record(request, community, f"Announced {community.next_master} as the next master; it is not yet.")

    def withdraw(self, request: HttpRequest, community: Community) -> None:
        """Withdraw the announcement."""
        withdraw_announcement(community=community)
        self.record(request, community, "The announcement of a next master is withdrawn.")

    def change_over(self, request: HttpRequest, community: Community) -> HttpResponse | None:
        """Explain the change, and make it once it is confirmed for this very domain."""
        if "confirmed" not in request.POST:
            return self._confirmation(request, community)
        if request.POST["confirmed"] != str(community.next_master_id):
            raise ActionRefusedError("another domain was announced meanwhile. Read the consequences again.")
        before = community.master
        change_master(community=community, now=timezone.now())
        self.record(request, community, f"The master is {community.master} now; before, it was {before or 'none'}.")
        here = request.get_host().partition(":")[0]
        if before is None or community.master is None or here != before.host:
            return None
        # Pages that the master alone serves, as this one may be, have moved with it.
        return HttpResponseRedirect(absolute_url(community.master.host, self.change_url(community)))

    def forget_former(self, request: HttpRequest, community: Community) -> None:
        """Stop consulting the former master."""
        former = community.former_master
        if former is None:
            raise ActionRefusedError("there is no former master to forget.")
        forget_former_master(community=community)
        self.record(request, community, f"The former master {former} is no longer consulted.")

    def pause(self, request: HttpRequest, community: Community) -> None:
        """Pause hand-offs for an hour."""
        pause_handoffs(community=community, now=timezone.now())
        self.record(request, community, "Hand-offs are paused for an hour.")

    def resume(self, request: HttpRequest, community: Community) -> None:
        """End the pause."""
        resume_handoffs(community=community)
        self.record(request, community, "Hand-offs go on.")

    def rotate_key(self, request: HttpRequest, community: Community) -> None:
        """Let the next signing key follow."""
        rotate_signing_key(community=community)
        self.record(request, community, "Another signing key is made at the next use, and signs some minutes later.")

    def revoke_keys(self, request: HttpRequest, community: Community) -> None:
        """Drop the signing keys at once."""
        revoke_signing_keys(community=community)
        self.record(
            request, community, "Every signing key is revoked. Another one is made, and signs, at the next use."
        )

    def _confirmation(self, request: HttpRequest, community: Community) -> HttpResponse:
        successor = community.next_master
        if successor is None:
            raise MasterCandidateError("No successor is announced; announce one first.")
        if fault := candidate_fault(community, successor):
            raise MasterCandidateError(fault)
        external_domains = community.domains.filter(kind=Domain.Kind.EXTERNAL, status=Domain.Status.ACTIVE)
        context = self.page_context(
            request,
            f"Make {successor} the master?",
            **community_context(community.pk),
            until=timezone.now() + FORMER_MASTER_PERIOD,
            address=absolute_url(successor.host, "/"),
            external_domains=external_domains,
            back=self.change_url(community),
        )
        return TemplateResponse(request, "admin/communities/community/change_over.html", context)


def community_context(pk: int) -> dict[str, Any]:
    """Return the context of a community's pages, read from the database."""
    community = Community.objects.select_related("master", "next_master", "former_master").get(pk=pk)
    now = timezone.now()
    return {
        "community": community,
        "successor_fault": candidate_fault(community, community.next_master) if community.next_master else "",
        "successors": NextMasterForm(community) if master_candidates(community).exists() else None,
        "former": community.former_master if is_ahead(community.former_master_until, now) else None,
        "is_paused": is_ahead(community.paused_until, now),
        "states": status_counts(community),
        "former_days": FORMER_MASTER_PERIOD.days,
        "signing_keys": community.signing_keys.filter(signs_from__lte=now).order_by("-signs_from")[:1],
    }


def is_ahead(moment: datetime.datetime | None, now: datetime.datetime) -> bool:
    """Return whether a time is still to come."""
    return moment is not None and moment > now


def status_counts(community: Community) -> list[tuple[str, str, int]]:
    """Return each status of the community's domains, its label, and the number of domains."""
    counts = dict(community.domains.values_list("status").annotate(Count("pk")).order_by())
    return [(status.value, str(status.label), counts[status]) for status in Domain.Status if status in counts]
