"""The letter that brings an invitation; it has no words of the inviting person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model

from vendors.links import mailed_url
from vendors.mail import MailKind, build_mail, sender_of
from vendors.models import Invitation, Membership, Vendor

if TYPE_CHECKING:
    from vendors.invitations import Invited


def send_invitation(invited: Invited) -> None:
    """Send the letter of an invitation. Raise OSError where the mail server does not take it."""
    invitation = invited.invitation
    marketplace = invitation.vendor.marketplace
    link = mailed_url(marketplace.community, "invitation", token=invited.token)
    build_mail(
        INVITATION,
        sender=sender_of(marketplace.community, marketplace),
        to=invitation.email,
        context={"invitation": invitation, "vendor": invitation.vendor, "link": link},
    ).send()


def _sample() -> dict[str, Any]:
    vendor = Vendor(name="Fowlers of Sligo", accent="#7a3b1d")
    invitation = Invitation(
        vendor=vendor,
        email="anna@example.org",
        role=Membership.Role.ORDERS,
        invited_by=get_user_model()(email="may.fowler@example.org"),
        expires_at=datetime(2026, 12, 6, 18, tzinfo=UTC),
    )
    return {"invitation": invitation, "vendor": vendor, "link": "https://mall.example/join/sample/"}


INVITATION = MailKind(
    name="invitation",
    label="Invitation to a shop",
    template="vendors/mail/invitation",
    subject="{{ vendor }} at {{ mall }} invites you",
    sample=_sample,
)
