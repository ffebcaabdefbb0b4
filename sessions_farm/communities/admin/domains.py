"""Domains in the admin: an explanation of each status, and the buttons that lead from one to the next."""

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

from sessions_farm.communities.admin.buttons import ActionRefusedError, ButtonsAdmin
from sessions_farm.communities.admin.explanations import (
    fault_text,
    is_given_up,
    is_idle,
    is_verified,
    labels_in_use,
    last_check,
    state_text,
)
from sessions_farm.communities.admin.forms import DomainForm
from sessions_farm.communities.conf import community_options
from sessions_farm.communities.links import origin
from sessions_farm.communities.models import ClientSecret, Community, Domain
from sessions_farm.communities.openid.client_secrets import OVERLAP, end_older_secrets, issue_secret
from sessions_farm.communities.verification import (
    MAX_FAILURES,
    PENDING_INTERVAL,
    PENDING_PERIOD,
    Verification,
    is_community_master,
    serve_domain,
    suspend_domain,
    verification_record,
    verify_domain,
)

MAX_OVERLAP = 90  # days for which an older secret may go on
MAX_SELECTED = 20  # domains of one action: a silent name server is waited for at each
FIXED_FIELDS = ("community", "host", "kind")
VERIFICATION_FIELDS = ("status", "verified_at", "checked_at", "failures", "fault")


@admin.register(Domain)
class DomainAdmin(ButtonsAdmin):
    """A verification holds for one host, kind and community, so these cannot be changed."""

    form = DomainForm
    buttons = ("verify", "serve", "serve_unverified", "suspend", "issue_secret", "end_older_secrets")
    list_display = ("name", "state", "kind", "community")
    list_filter = ("status", "kind", "community")
    list_select_related = ("community", "canonical")
    search_fields = ("host",)
    autocomplete_fields = ("canonical",)
    ordering = ("host",)
    actions = ("verify_selected",)

    @admin.display(description="Host", ordering="host")
    def name(self, domain: Domain) -> str:
        """Return the host, a wildcard with its star."""
        return str(domain)

    @admin.display(description="State", ordering="status")
    def state(self, domain: Domain) -> str:
        """Return the status with an explanation."""
        return state_text(domain, timezone.now())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        external = ("Outside this farm", {"fields": ("redirect_uris",)})
        named = (None, {"fields": (*FIXED_FIELDS, "canonical")})
        if obj is None:
            return [named, external]
        is_external = obj.kind == Domain.Kind.EXTERNAL
        return [
            named,
            *([external] if is_external else []),
            ("Verification, as it is stored", {"fields": VERIFICATION_FIELDS, "classes": ("collapse",)}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else (*FIXED_FIELDS, *VERIFICATION_FIELDS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not is_community_master(obj))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's
        """Save the changed fields only: a verification may have changed the status meanwhile."""
        obj.save(update_fields=form.changed_data if change else None)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the new domain's page, which explains its verification."""
        if "_addanother" not in request.POST and IS_POPUP_VAR not in request.POST:
            posted = request.POST.copy()
            posted["_continue"] = "1"
            request.POST = posted  # type: ignore[assignment]  # as Django's own for users
        return super().response_add(request, obj, post_url_continue)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if context.get("original") is not None:
            context |= domain_context(context["original"].pk) | {
                "may_change": self.has_change_permission(request, context["original"]),
                "may_serve_unverified": request.user.is_superuser and not context["original"].needs_proof,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def verify(self, request: HttpRequest, domain: Domain) -> None:
        """Look the domain's record up now."""
        before = domain.status
        result = verify_domain(domain=domain, now=timezone.now())
        text = f"Looked up the TXT record of {domain}. " + (domain.fault or "It is there.")
        if domain.status != before:
            text += f" The domain’s state is now: {domain.get_status_display()}."
        self.record(request, domain, text, messages.SUCCESS if result is Verification.VERIFIED else messages.WARNING)

    def serve(self, request: HttpRequest, domain: Domain) -> None:
        """Serve a verified domain."""
        serve_domain(domain=domain)
        self.record(request, domain, f"Served from now on: {domain}.")

    def serve_unverified(self, request: HttpRequest, domain: Domain) -> None:
        """Serve a domain on a superuser's responsibility."""
        if not request.user.is_superuser:
            raise PermissionDenied
        serve_domain(domain=domain, unverified=True)
        self.record(request, domain, f"Served on your responsibility, unverified: {domain}.")

    def suspend(self, request: HttpRequest, domain: Domain) -> None:
        """Suspend a domain, for a reason that is shown."""
        reason = request.POST.get("reason", "").strip()
        if not reason:
            raise ActionRefusedError(f"give a reason for the suspension of {domain}: it is kept and shown.")
        suspend_domain(domain=domain, reason=reason)
        self.record(request, domain, f"Suspended {domain}: {domain.fault}")

    def issue_secret(self, request: HttpRequest, domain: Domain) -> HttpResponse:
        """Issue a new secret to an external member, and show it this once; older ones go on for the days given."""
        days = request.POST.get("days", "")
        if not days.isdecimal() or int(days) > MAX_OVERLAP:
            raise ActionRefusedError(f"give the days for which older secrets go on: 0 to {MAX_OVERLAP}.")
        secret = issue_secret(domain=domain, overlap=datetime.timedelta(days=int(days)))
        self.log_change(request, domain, f"Issued a new secret; older ones end in {days} days.")
        context = self.page_context(request, f"A new secret for {domain}", secret=secret, **domain_context(domain.pk))
        response = TemplateResponse(request, "admin/communities/domain/secret.html", context)
        response["Cache-Control"] = "no-store"
        return response

    def end_older_secrets(self, request: HttpRequest, domain: Domain) -> None:
        """End all secrets of an external member but the newest."""
        number = end_older_secrets(domain=domain)
        self.record(request, domain, f"Secrets of {domain} that ended just now: {number}. The newest is good.")

    @admin.action(description="Verify now", permissions=["change"])
    def verify_selected(self, request: HttpRequest, domains: QuerySet[Domain]) -> None:
        """Verify the selected domains."""
        selected = list(domains[: MAX_SELECTED + 1])
        if len(selected) > MAX_SELECTED:
            text = f"None was verified: select at most {MAX_SELECTED} domains, for the DNS is waited for at each."
            self.message_user(request, text, messages.ERROR)
            return
        for domain in selected:
            self.verify(request, domain)


def domain_context(pk: int) -> dict[str, Any]:
    """Return the context of a domain's pages, read from the database."""
    domain = Domain.objects.select_related("community__master", "canonical").get(pk=pk)
    community, now = domain.community, timezone.now()
    record_name, record_text = verification_record(domain)
    return {
        "domain": domain,
        "record_name": record_name,
        "record_text": record_text,
        "addresses": community_options().addresses if domain.kind == Domain.Kind.EXACT else (),
        "last_check": last_check(domain, now),
        "fault": fault_text(domain),
        "is_verified": is_verified(domain),
        "is_given_up": is_given_up(domain, now),
        "is_idle": is_idle(domain),
        "labels_in_use": labels_in_use(domain),
        "max_failures": MAX_FAILURES,
        "pending_days": PENDING_PERIOD.days,
        "verified_every": PENDING_INTERVAL // datetime.timedelta(minutes=1),
        "is_master": community.master_id == domain.pk,
        "is_next_master": community.next_master_id == domain.pk,
        "vouches_until": vouches_until(community, domain),
        "secrets": live_secrets(domain, now),
        "overlap_days": OVERLAP.days,
        "max_overlap": MAX_OVERLAP,
        "endpoints": endpoints_of(community) if domain.kind == Domain.Kind.EXTERNAL else [],
    }


def vouches_until(community: Community, domain: Domain) -> Any:
    """Return the time until which a former master vouches for its visitors; None for any other domain."""
    until = community.former_master_until
    return until if community.former_master_id == domain.pk and until and until > timezone.now() else None


def live_secrets(domain: Domain, now: datetime.datetime) -> list[ClientSecret]:
    """Return the secrets of a domain that have not ended, the newest first."""
    return list(domain.secrets.exclude(ends_at__lte=now).order_by("-created_at", "-pk"))


def endpoints_of(community: Community) -> list[tuple[str, str]]:
    """Return the names and addresses that external members need; a client library reads the others there."""
    if community.master is None:
        return []
    issuer = origin(community.master.host)
    return [("Issuer", issuer), ("Metadata", f"{issuer}/.well-known/openid-configuration")]
