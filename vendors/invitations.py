"""Invitations to a vendor's people: single use, by mail, to be accepted by the address that was invited."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from vendors import people
from vendors.models import Invitation, Membership, Vendor
from vendors.people import PeopleError

PERIOD = timedelta(days=7)
MAX_OPEN = 20  # of a vendor
MAX_A_DAY = 30  # of a vendor, revoked ones too: an owner's account in wrong hands is no mail cannon


class InvitationRefusedError(PeopleError):
    """Report an invitation that cannot be made or accepted; the message is for the asking person."""


@dataclass(frozen=True, slots=True)
class Invited:
    """Hold an invitation, and its token for the mail: the database has only a hash of it."""

    invitation: Invitation
    token: str


@transaction.atomic
def invite(*, vendor: Vendor, email: str, role: str, by: Any, now: datetime) -> Invited:
    """Invite an address to a role; an open invitation to the same ends. Raise InvitationRefusedError."""
    Vendor.objects.select_for_update(no_key=True).get(pk=vendor.pk)
    if not may_grant(by, vendor):
        raise InvitationRefusedError(f"Only an owner of {vendor} invites people.")
    if Membership.objects.filter(vendor=vendor, user__email__iexact=email, role=role).exists():
        raise InvitationRefusedError(f"{email} has this role already.")
    sent = Invitation.objects.filter(vendor=vendor)
    sent.open(now).filter(email__iexact=email, role=role).update(revoked_at=now)
    if sent.open(now).count() >= MAX_OPEN or sent.filter(created_at__gt=now - timedelta(days=1)).count() >= MAX_A_DAY:
        raise InvitationRefusedError(
            f"{vendor} has {MAX_OPEN} open invitations, or sent {MAX_A_DAY} in a day. Revoke some, or wait until "
            "tomorrow."
        )
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        vendor=vendor, email=email, role=role, invited_by=by, token_hash=hash_of(token), expires_at=now + PERIOD
    )
    return Invited(invitation, token)


def revoke(*, invitation: Invitation, now: datetime) -> bool:
    """Revoke an invitation; return False if it ended before."""
    return bool(Invitation.objects.open(now).filter(pk=invitation.pk).update(revoked_at=now))


def find(token: str, now: datetime) -> Invitation | None:
    """Return the invitation of a token, if it can be accepted; None if it ended, as far as a token tells."""
    rows = Invitation.objects.open(now).select_related("vendor", "invited_by")
    invitation = rows.filter(token_hash=hash_of(token)).first()
    return invitation if invitation and may_grant(invitation.invited_by, invitation.vendor) else None


@transaction.atomic
def accept(*, token: str, user: Any, confirmed: set[str], now: datetime) -> Membership:
    """Accept an invitation once, as the person of its address; ``confirmed`` are the user's confirmed addresses.

    It is void when the inviter no longer has the role to grant it. Raise InvitationRefusedError.
    """
    row = Invitation.objects.select_for_update(of=("self",)).filter(token_hash=hash_of(token)).first()
    invitation = find(token, now)
    if row is None or invitation is None:
        raise InvitationRefusedError("This invitation was used, revoked, or has run out. Ask for a new one.")
    if invitation.email.lower() not in {address.lower() for address in confirmed}:
        raise InvitationRefusedError(f"This invitation is for {invitation.email}; confirm that address first.")
    if user.has_perm(people.SEES_ALL):
        raise InvitationRefusedError("You work for the mall, and see every shop already. Take another account for it.")
    row.accepted_at = now
    row.save(update_fields=["accepted_at"])
    return people.add_role(vendor=invitation.vendor, user=user, role=invitation.role)


def may_grant(user: Any, vendor: Vendor) -> bool:
    """Return whether a user may give roles at a vendor: its owners, and the mall's staff for vendors."""
    if not user.is_active:
        return False
    owns = Membership.objects.filter(vendor=vendor, user=user, role=Membership.Role.OWNER)
    return bool(user.has_perm("vendors.add_vendor") or owns.exists())


def hash_of(token: str) -> str:
    """Return the SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()
