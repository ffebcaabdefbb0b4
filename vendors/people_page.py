"""The page in the admin on which a vendor's owner invites people, changes their roles and ends them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminEmailInputWidget
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from vendors import invitations, people
from vendors.invitation_mail import send_invitation
from vendors.models import Invitation, Membership, Vendor
from vendors.vendor_page import VendorPageMixin, number_or_404

if TYPE_CHECKING:
    from vendors.invitations import Invited

logger = logging.getLogger(__name__)
TEMPLATE = "admin/vendors/vendor/people.html"
MAY = {
    Membership.Role.OWNER: "everything, the people and the domains too",
    Membership.Role.CATALOGUE: "products, prices and stock",
    Membership.Role.ORDERS: "orders, packing and dispatch",
    Membership.Role.SUPPORT: "the support desk",
}


class InviteForm(forms.Form):
    """Ask for an address and a role."""

    email = forms.EmailField(label="E-mail address", widget=AdminEmailInputWidget(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(
        choices=[(role.value, f"{role.label}: {may}") for role, may in MAY.items()], initial=Membership.Role.ORDERS
    )


class PeoplePageMixin(VendorPageMixin):
    """Add the page to the admin of vendors; it needs the permission to change the vendor."""

    def get_urls(self) -> list[URLPattern]:
        """Add the address of the page."""
        view = self.admin_site.admin_view(self.people_view)
        own = path("<path:object_id>/people/", view, name="vendors_vendor_people")
        return [own, *super().get_urls()]  # type: ignore[misc]  # of the admin it is mixed into

    def people_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show the page; a POST does as its button says, and leads back."""
        vendor = self.vendor_or_404(request, object_id)
        form = InviteForm(request.POST if request.POST.get("button") == "invite" else None)
        if request.method == "POST" and self.press_button(request, vendor, form):
            return HttpResponseRedirect(reverse("admin:vendors_vendor_people", args=[vendor.pk]))
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": f"The people of {vendor}",
            "opts": self.opts,
            "vendor": vendor,
            "form": form,
            "memberships": vendor.memberships.select_related("user").order_by("user__email", "role"),
            "invitations": vendor.invitations.open(now).select_related("invited_by"),
            "roles": Membership.Role.choices,
        }
        return TemplateResponse(request, TEMPLATE, context)

    def press_button(self, request: HttpRequest, vendor: Vendor, form: InviteForm) -> bool:
        """Do as the pressed button says; return False where the form has an error to show."""
        try:
            match request.POST.get("button"):
                case "invite":
                    return self.invite(request, vendor, form)
                case "again":
                    old = self.invitation_of(request, vendor)
                    self.mail(request, vendor, invite(request, vendor, old.email, old.role))
                case "revoke":
                    revoked = self.invitation_of(request, vendor)
                    invitations.revoke(invitation=revoked, now=timezone.now())
                    self.report_change(request, vendor, f"Revoked the invitation of {revoked.email}.")
                case "change":
                    membership = membership_of(request, vendor)
                    people.change_role(membership=membership, role=request.POST.get("role", ""))
                    self.report_change(request, vendor, f"{membership.user} is {membership.get_role_display()} now.")
                case "end":
                    membership = membership_of(request, vendor)
                    people.end_role(membership=membership)
                    self.report_change(
                        request, vendor, f"{membership.user} is no longer {membership.get_role_display()} of {vendor}."
                    )
                case button:
                    raise Http404(f"There is no button {button!r}.")
        except people.PeopleError as error:
            messages.error(request, f"Not done: {error}")
        return True

    def invite(self, request: HttpRequest, vendor: Vendor, form: InviteForm) -> bool:
        """Invite the person of a form; return False where it is refused, and the form says why."""
        if not form.is_valid():
            return False
        try:
            invited = invite(request, vendor, **form.cleaned_data)
        except people.PeopleError as error:
            form.add_error("email", str(error))
            return False
        self.mail(request, vendor, invited)
        return True

    def mail(self, request: HttpRequest, vendor: Vendor, invited: Invited) -> None:
        """Send the mail, and say how it went; without it the invitation stays, to be sent again by its button."""
        try:
            send_invitation(invited)
        except OSError as error:
            logger.warning("The invitation of %s was not sent: %s", invited.invitation.email, error)
            messages.error(
                request, f"The mail to {invited.invitation.email} could not be sent now. Press “Send again” later."
            )
            return
        self.report_change(
            request, vendor, f"Invited {invited.invitation.email} as {invited.invitation.get_role_display()}."
        )

    def invitation_of(self, request: HttpRequest, vendor: Vendor) -> Invitation:
        """Return the open invitation of a POST. Raise Http404."""
        open_ones = Invitation.objects.open(timezone.now()).filter(vendor=vendor)
        return get_object_or_404(open_ones, pk=number_or_404(request, "invitation"))


def invite(request: HttpRequest, vendor: Vendor, email: str, role: str) -> Invited:
    """Invite an address in the name of the signed-in person. Raise InvitationRefusedError."""
    return invitations.invite(vendor=vendor, email=email, role=role, by=request.user, now=timezone.now())


def membership_of(request: HttpRequest, vendor: Vendor) -> Membership:
    """Return the membership of a POST. Raise Http404."""
    rows = vendor.memberships.select_related("user", "vendor")
    return get_object_or_404(rows, pk=number_or_404(request, "membership"))
