"""The letters about a vendor's approval: to the mall's operators when an owner asks, to the owners the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.template.loader import render_to_string

from mall.accounts.models import MallRole, User
from sessions_farm.communities.models import Community
from vendors.links import mailed_url
from vendors.models import Membership, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterable


def send_asked(vendor: Vendor) -> None:
    """Write to the approving staff. Raise OSError where the mail server does not take it."""
    deciding = User.objects.filter(Q(is_superuser=True) | Q(mall_role=MallRole.OPERATOR), is_active=True)
    _send(vendor, f"{vendor} asks to be opened", "asked", deciding.values_list("email", flat=True))


def send_decision(vendor: Vendor) -> None:
    """Write the mall's decision to the owners. Raise OSError where the mail server does not take it."""
    owners = Membership.objects.filter(vendor=vendor, role=Membership.Role.OWNER, user__is_active=True)
    subject = {
        Vendor.Status.PUBLISHED: f"{vendor} is open",
        Vendor.Status.DRAFT: f"{vendor} is not open yet",
        Vendor.Status.SUSPENDED: f"{vendor} is closed",
    }[Vendor.Status(vendor.status)]
    _send(vendor, subject, "decision", owners.values_list("user__email", flat=True))


def _send(vendor: Vendor, subject: str, name: str, to: Iterable[str]) -> None:
    community = Community.objects.select_related("master").get(pk=vendor.marketplace.community_id)
    context = {
        "vendor": vendor,
        "subject": subject,
        "mall": community.name,
        "link": mailed_url(community, "admin:setup", pk=vendor.pk),
    }
    for address in to:  # one letter each: nobody reads the others' addresses
        message = EmailMultiAlternatives(
            subject=subject, body=render_to_string(f"admin/mall/mail/{name}.txt", context), to=[address]
        )
        message.attach_alternative(render_to_string(f"admin/mall/mail/{name}.html", context), "text/html")
        message.send()
