"""The mail that brings an invitation; it has no words of the inviting person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from sessions_farm.communities.links import absolute_url

if TYPE_CHECKING:
    from vendors.invitations import Invited


def send_invitation(invited: Invited) -> None:
    """Send the mail of an invitation. Raise OSError where the mail server does not take it."""
    vendor = invited.invitation.vendor
    community = vendor.marketplace.community
    path = reverse("invitation", urlconf=settings.ROOT_URLCONF, args=[invited.token])
    context = {
        "invitation": invited.invitation,
        "vendor": vendor,
        "mall": community.name,
        "link": absolute_url(community.master.host, path) if community.master else path,
    }
    message = EmailMultiAlternatives(
        subject=f"{vendor} at {community.name} invites you",
        body=render_to_string("vendors/mail/invitation.txt", context),
        to=[invited.invitation.email],
    )
    message.attach_alternative(render_to_string("vendors/mail/invitation.html", context), "text/html")
    message.send()
