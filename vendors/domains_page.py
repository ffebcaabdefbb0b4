"""The page in the admin on which a vendor's owner adds, verifies, opens and removes the vendor's domains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from sessions_farm.communities.admin.explanations import fault_text, is_given_up, last_check
from sessions_farm.communities.conf import community_options
from sessions_farm.communities.errors import CommunityError
from sessions_farm.communities.links import absolute_url
from sessions_farm.communities.models import Domain
from sessions_farm.communities.verification import (
    MAX_FAILURES,
    PENDING_INTERVAL,
    PENDING_PERIOD,
    Verification,
    verification_record,
    verify_domain,
)
from vendors import domains
from vendors.models import Storefront, Vendor
from vendors.storefronts import storefronts
from vendors.vendor_page import VendorPageMixin, number_or_404

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

TEMPLATE = "admin/vendors/vendor/domains.html"
STAGES = {
    Domain.Status.PENDING: "waiting",
    Domain.Status.VERIFIED: "ready",
    Domain.Status.ACTIVE: "served",
    Domain.Status.SUSPENDED: "stopped",
}


class AddDomainForm(forms.Form):
    """Ask for a domain in any form that people type."""

    host = forms.CharField(
        label="Your domain",
        max_length=300,
        widget=AdminTextInputWidget(
            attrs={"placeholder": "shop.example", "autocapitalize": "none", "spellcheck": "false", "inputmode": "url"}
        ),
        error_messages={"required": "Type the name that you have registered, as shop.example."},
    )


@dataclass(frozen=True, slots=True)
class DomainCard:
    """Hold one domain's part of the page."""

    domain: Domain
    stage: str  # waiting, ready, served, here (the store is there), stopped
    record_name: str
    record_text: str
    last_check: str
    fault: str
    is_given_up: bool
    is_held_by_another: bool
    address: str

    @property
    def label(self) -> str | _StrPromise:
        """Return the stage in words."""
        return {
            "waiting": "waiting for its record",
            "ready": "yours, not open yet",
            "served": "served, without a shop",
            "here": "the shop is here",
            "stopped": "stopped by the mall",
        }[self.stage]


def card_of(domain: Domain, storefront: Storefront) -> DomainCard:
    """Return the card of a domain."""
    now = timezone.now()
    is_here = domain.status == Domain.Status.ACTIVE and storefront.domain_id == domain.pk
    name, text = verification_record(domain)
    return DomainCard(
        domain=domain,
        stage="here" if is_here else STAGES[Domain.Status(domain.status)],
        record_name=name,
        record_text=text,
        last_check=last_check(domain, now),
        fault=fault_text(domain),
        is_given_up=is_given_up(domain, now),
        is_held_by_another=domains.holder_of(domain) is not None,
        address=absolute_url(domain.host, "/"),
    )


class DomainsPageMixin(VendorPageMixin):
    """Add the page to the admin of vendors; it needs the permission to change the vendor."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.domains_view)
        own = path("<path:object_id>/domains/", view, name="vendors_vendor_domains")
        return [own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def domains_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the page; a POST does as its button says, and leads back."""
        vendor = self.vendor_or_404(request, object_id)
        form = AddDomainForm()
        if request.method == "POST":
            form = AddDomainForm(request.POST if request.POST.get("button") == "add" else None)
            if self.press(request, vendor, form):
                return HttpResponseRedirect(reverse("admin:vendors_vendor_domains", args=[vendor.pk]))
        context = {**self.admin_site.each_context(request), **page_context(vendor), "form": form, "opts": self.opts}
        return TemplateResponse(request, TEMPLATE, context)

    def press(self, request: HttpRequest, vendor: Vendor, form: AddDomainForm) -> bool:
        """Do as the pressed button says, and report the outcome; return False where the form has an error to show."""
        button = request.POST.get("button", "")
        try:
            if button == "add":
                return self.add(request, vendor, form)
            if button == "to-master":
                domains.move_store_to_master(vendor=vendor)
                self.report_change(request, vendor, "The shop is in the mall again, and at no domain of its own.")
                return True
            owned = get_object_or_404(vendor.domains.select_related("domain"), domain=number_or_404(request, "domain"))
            self.press_of_domain(request, vendor, owned.domain, button)
        except (domains.DomainRefusedError, CommunityError) as error:
            messages.error(request, f"Not done: {error}")
        return True

    def add(self, request: HttpRequest, vendor: Vendor, form: AddDomainForm) -> bool:
        """Add the domain of a form; return False where it is refused, and the form says why."""
        if not form.is_valid():
            return False
        try:
            domain = domains.add_domain(vendor=vendor, text=form.cleaned_data["host"])
        except domains.DomainRefusedError as error:
            form.add_error("host", str(error))
            return False
        self.report_change(request, vendor, f"Added {domain}. Set its record now; it is below.")
        return True

    def press_of_domain(self, request: HttpRequest, vendor: Vendor, domain: Domain, button: str) -> None:
        """Do as the button of a domain says."""
        match button:
            case "look":
                result = verify_domain(domain=domain, now=timezone.now())
                level = messages.SUCCESS if result is Verification.VERIFIED else messages.WARNING
                self.report_change(request, vendor, look_text(domain, result), level)
            case "open":
                domains.open_store_on(vendor=vendor, domain=domain)
                self.report_change(request, vendor, f"The shop is at {domain} from now on.")
            case "remove":
                domains.remove_domain(vendor=vendor, domain=domain)
                self.report_change(request, vendor, f"Removed {domain}, which is served no more.")
            case _:
                raise Http404(f"There is no button {button!r}.")


def look_text(domain: Domain, result: Verification) -> str:
    """Return the findings of a look at a domain's record, as sentences."""
    if result is Verification.VERIFIED:
        is_served = domain.status == Domain.Status.ACTIVE
        return f"The record of {domain} is there. " + ("All is well." if is_served else "Now open the shop there.")
    return f"Looked for the record of {domain}. {last_check(domain, timezone.now())}"


def page_context(vendor: Vendor) -> dict[str, Any]:
    """Return the context of a vendor's page."""
    storefront = domains.storefront_of(vendor)
    owned = vendor.domains.select_related("domain__community__master").order_by("-pk")
    cards = [card_of(each.domain, storefront) for each in owned]
    master = vendor.marketplace.community.master
    store = storefronts.by_vendor(vendor.pk)
    path_address = absolute_url(master.host, f"/stores/{vendor.slug}/") if master else ""
    return {
        "title": f"The domains of {vendor}",
        "vendor": vendor,
        "storefront": storefront,
        "is_open": vendor.is_published,
        "place": absolute_url(store.host, "/") if store and store.host else path_address,
        "path_address": path_address,
        "is_away": bool(storefront.host) and (store is None or not store.host) and vendor.is_published,
        "cards": cards,
        "addresses": community_options().addresses,
        "master": master,
        "max_failures": MAX_FAILURES,
        "minutes": PENDING_INTERVAL.seconds // 60,
        "pending_days": PENDING_PERIOD.days,
        "max_pending": domains.MAX_PENDING,
    }
