"""Domains in the admin: what each state means, and the buttons that lead from one to the next."""

from __future__ import annotations

import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from sessions_farm.communities.admin.buttons import ButtonsAdmin, Refusal
from sessions_farm.communities.admin.explanations import fault_at, is_proven, look_at, state_of
from sessions_farm.communities.admin.forms import DomainForm
from sessions_farm.communities.handoff.errors import NotExternalError
from sessions_farm.communities.handoff.oauth.credentials import issue_secret
from sessions_farm.communities.handoff.paths import PREFIX
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.verification import (
    MOST_MISSES,
    WAITING_AGAIN_AFTER,
    Finding,
    Needed,
    NotProven,
    check_domain,
    is_master,
    record_of,
    serve_domain,
    suspend_domain,
)
from sessions_farm.conf import options

AT_ONCE = 20  # looks of one action: a name server that stays silent is waited for at each
FIXED = ("community", "host", "kind")
SEEN = ("status", "verified_at", "checked_at", "misses", "fault")


@admin.register(Domain)
class DomainAdmin(ButtonsAdmin):
    """What was proven was proven of this host, kind and community, so these stay as they were added."""

    form = DomainForm
    buttons = ("look", "serve", "serve_on_word", "suspend", "give_secret")
    refusals = (Refusal, NotProven, Needed, NotExternalError)
    list_display = ("name", "state", "kind", "community")
    list_filter = ("status", "kind", "community")
    list_select_related = ("community", "canonical")
    search_fields = ("host",)
    autocomplete_fields = ("canonical",)
    ordering = ("host",)
    actions = ("look_at_selected",)

    @admin.display(description="Host", ordering="host")
    def name(self, domain: Domain) -> str:
        return str(domain)

    @admin.display(description="State", ordering="status")
    def state(self, domain: Domain) -> str:
        return state_of(domain, timezone.now())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        outside = ("Outside this farm", {"fields": ("callback",)})
        named = (None, {"fields": (*FIXED, "canonical")})
        if obj is None:
            return [named, outside]
        is_outside = obj.kind == Domain.Kind.EXTERNAL
        return [
            named,
            *([outside] if is_outside else []),
            ("Proof, as it is kept", {"fields": SEEN, "classes": ("collapse",)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*FIXED, *SEEN)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not is_master(obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's
        """Write what was changed and no more: a look may have changed the state meanwhile."""
        obj.save(update_fields=form.changed_data if change else None)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the new domain's page, which says how it is proven."""
        if "_addanother" not in request.POST and IS_POPUP_VAR not in request.POST:
            posted = request.POST.copy()
            posted["_continue"] = "1"
            request.POST = posted  # type: ignore[assignment]  # as Django's own for users
        return super().response_add(request, obj, post_url_continue)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context |= meaning_of(context["original"].pk) | {
                "may_change": self.has_change_permission(request, context["original"]),
                "may_vouch": request.user.is_superuser,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def look(self, request: HttpRequest, domain: Domain) -> None:
        before = domain.status
        finding = check_domain(domain=domain, now=timezone.now())
        found = f"Looked for the proof of {domain}. " + (domain.fault or "It is there.")
        now = f" The domain’s state is now: {domain.get_status_display()}." if domain.status != before else ""
        self.note(request, domain, found + now, messages.SUCCESS if finding is Finding.PROVEN else messages.WARNING)

    def serve(self, request: HttpRequest, domain: Domain) -> None:
        serve_domain(domain=domain)
        self.note(request, domain, f"Served from now on: {domain}.")

    def serve_on_word(self, request: HttpRequest, domain: Domain) -> None:
        if not request.user.is_superuser:
            raise PermissionDenied
        serve_domain(domain=domain, on_word=True)
        self.note(request, domain, f"Served on your word, without a proof: {domain}.")

    def suspend(self, request: HttpRequest, domain: Domain) -> None:
        why = request.POST.get("why", "").strip()
        if not why:
            raise Refusal(f"say why {domain} is suspended, for whoever comes upon it later.")
        suspend_domain(domain=domain, why=why)
        self.note(request, domain, f"Suspended {domain}: {domain.fault}")

    def give_secret(self, request: HttpRequest, domain: Domain) -> HttpResponse:
        secret = issue_secret(domain=domain)
        self.log_change(request, domain, "Gave it a new secret.")
        context = self.page(request, f"A new secret for {domain}", secret=secret, **meaning_of(domain.pk))
        response = TemplateResponse(request, "admin/communities/domain/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Look for the proof now", permissions=["change"])
    def look_at_selected(self, request: HttpRequest, domains: QuerySet[Domain]) -> None:
        chosen = list(domains[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            words = f"Nothing was looked for: choose at most {AT_ONCE} domains, for the DNS is waited for at each."
            self.message_user(request, words, messages.ERROR)
            return
        for domain in chosen:
            self.look(request, domain)


def meaning_of(pk: int) -> dict[str, Any]:
    """What the pages say of a domain, as it is in the database."""
    domain = Domain.objects.select_related("community__master", "canonical").get(pk=pk)
    community, now = domain.community, timezone.now()
    record_name, record_text = record_of(domain)
    return {
        "domain": domain,
        "record_name": record_name,
        "record_text": record_text,
        "addresses": options().addresses if domain.kind == Domain.Kind.EXACT else (),
        "look": look_at(domain, now),
        "fault": fault_at(domain),
        "is_proven": is_proven(domain),
        "most_misses": MOST_MISSES,
        "looks_every": WAITING_AGAIN_AFTER // datetime.timedelta(minutes=1),
        "is_master": community.master_id == domain.pk,
        "is_next_master": community.next_master_id == domain.pk,
        "vouches_until": vouches_until(community, domain),
        "endpoints": endpoints_of(community) if domain.kind == Domain.Kind.EXTERNAL else [],
    }


def vouches_until(community: Community, domain: Domain) -> Any:
    """Until when a former master answers for whom it knew; None for any other domain, and afterwards."""
    until = community.former_master_until
    return until if community.former_master_id == domain.pk and until and until > timezone.now() else None


def endpoints_of(community: Community) -> list[tuple[str, str]]:
    """Where a member outside asks, on the master."""
    if community.master is None:
        return []
    oauth = absolute_url(community.master.host, f"{PREFIX}oauth/")
    return [
        ("Authorization", f"{oauth}authorize"),
        ("Token", f"{oauth}token"),
        ("User info", f"{oauth}userinfo"),
    ]
