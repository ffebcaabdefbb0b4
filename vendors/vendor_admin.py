"""Admin pages of vendors: the mall adds them with their owner's invitation, and owners edit them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from vendors import domains
from vendors.domains_page import DomainsPageMixin
from vendors.look_page import LookPageMixin
from vendors.models import Membership
from vendors.people_page import PeoplePageMixin, invite
from vendors.scoped_admin import VendorScopedAdmin, may_see_all
from vendors.vendor_forms import VendorForm

SENDING = "With the delivery zones these make the days that shoppers are promised."
FRONT = "The front page of your shop says these in your own voice."
LOOK = "The colours are read as they are typed; the preview below shows them in light and dark."


class VendorAdmin(PeoplePageMixin, DomainsPageMixin, LookPageMixin, VendorScopedAdmin):
    """Edit a vendor's profile, its people and its domains; the mall alone adds and deletes vendors."""

    vendor_path = ""
    form = VendorForm
    list_display = ["name", "marketplace", "town", "status"]
    list_filter = ["status", "marketplace"]
    list_select_related = ["marketplace__community"]
    search_fields = ["name", "slug"]
    fieldsets = [
        ("Shop", {"fields": ["name", "tagline", "town", "support_email"]}),
        ("Words", {"fields": ["about", "delivery_text", "returns_text", "support_text"]}),
        (
            "Words of the front",
            {"fields": ["newest_heading", "departments_heading", "goods_heading", "foot_words"], "description": FRONT},
        ),
        ("Look", {"fields": ["typeface", "front", "accent", "paper", "ink"], "description": LOOK}),
        (
            "Sending and returns",
            {"fields": ["time_zone", "sending_days", "cut_off", "closed_days", "return_days"], "description": SENDING},
        ),
        ("At the mall", {"fields": ["marketplace", "slug", "status"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "fields": ["marketplace", "name", "slug", "owner"],
                "description": "The owner gets an invitation by mail, sets the shop up, and asks for your approval.",
            },
        )
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for little where a vendor is added: its owner writes the rest."""
        return self.add_fieldsets if obj is None else super().get_fieldsets(request, obj)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Make the address of the name, where a vendor is added."""
        return {"slug": ["name"]} if obj is None else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Reserve marketplace and slug for the mall's staff; the approval has a page of its own."""
        if obj is None:
            return []
        return ["status"] if may_see_all(request) else ["marketplace", "slug", "status"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_all(request) and super().has_add_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_all(request) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save; a new vendor's store is on the mall's path until its owner gives it a domain."""
        super().save_model(request, obj, form, change)
        if not change:
            domains.storefront_of(obj).save()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 -- Django's signature
        """Save; the owner of a new vendor is invited."""
        super().save_related(request, form, formsets, change)
        if not change:
            invited = invite(request, form.instance, form.cleaned_data["owner"], Membership.Role.OWNER)
            transaction.on_commit(lambda: self.mail(request, form.instance, invited))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Lead to the new vendor's people, where the invitation can be sent again."""
        return HttpResponseRedirect(reverse("admin:vendors_vendor_people", args=[obj.pk]))
