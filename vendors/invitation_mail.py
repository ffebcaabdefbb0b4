"""The mail that brings an invitation; it has no words of the inviting person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from vendors.links import mailed_url

if TYPE_CHECKING:
    from vendors.invitations import Invited


def send_invitation(invited: Invited) -> None:
    """Send the mail of an invitation. Raise OSError where the mail server does not take it."""
    vendor = invited.invitation.vendor
    community = vendor.marketplace.community
    context = {
        "invitation": invited.invitation,
        "vendor": vendor,
        "mall": community.name,
        "link": mailed_url(community, "invitation", token=invited.token),
    }
    message = EmailMultiAlternatives(
        subject=f"{vendor} at {community.name} invites you",
        body=render_to_string("vendors/mail/invitation.txt", context),
        to=[invited.invitation.email],
    )
    message.attach_alternative(render_to_string("vendors/mail/invitation.html", context), "text/html")
    message.send()
