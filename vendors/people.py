"""The people of a vendor: change and end their roles; the last owner stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from vendors.models import Membership, Vendor

if TYPE_CHECKING:
    from django.db.models import QuerySet

OWNER = Membership.Role.OWNER
SEES_ALL = "vendors.see_all_vendors"  # the permission that all of the mall's staff have


class PeopleError(Exception):
    """Report a change of a vendor's people that is refused; the message is for the asking person."""


class LastOwnerError(PeopleError):
    """Report that a vendor would be left without an owner."""


def add_role(*, vendor: Vendor, user: Any, role: str) -> Membership:
    """Give a user a role at a vendor, and let them into the admin; idempotent."""
    membership, _ = Membership.objects.get_or_create(vendor=vendor, user=user, role=role)
    if not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return membership


@transaction.atomic
def change_role(*, membership: Membership, role: str) -> None:
    """Change a role. Raise LastOwnerError, PeopleError if the person has the new role already."""
    _lock_owners(membership.vendor_id)
    if role not in Membership.Role.values:
        raise PeopleError(f"There is no role {role!r}.")
    if role == membership.role:
        return
    _refuse_last_owner(membership)
    if Membership.objects.filter(vendor=membership.vendor, user=membership.user, role=role).exists():
        raise PeopleError(f"{membership.user} has the role {Membership.Role(role).label} already.")
    membership.role = role
    membership.save(update_fields=["role"])


@transaction.atomic
def end_role(*, membership: Membership) -> None:
    """End a role; with the last one of all vendors the user leaves the admin too, unless they are of the mall's staff.

    Raise LastOwnerError.
    """
    _lock_owners(membership.vendor_id)
    _refuse_last_owner(membership)
    user = membership.user
    membership.delete()
    if not user.has_perm(SEES_ALL) and not Membership.objects.filter(user=user).exists():
        user.is_staff = False
        user.save(update_fields=["is_staff"])


def vendors_left_without_owner(user: Any) -> QuerySet[Vendor]:
    """Select the vendors whose only active owner is this user."""
    others = Membership.objects.filter(role=OWNER, user__is_active=True).exclude(user=user)
    owned = Vendor.objects.filter(memberships__user=user, memberships__role=OWNER)
    return owned.exclude(pk__in=others.values("vendor"))


def _lock_owners(vendor_id: int) -> None:
    """Lock the vendor, so that of two owners who go at once one stays."""
    Vendor.objects.select_for_update(no_key=True).get(pk=vendor_id)


def _refuse_last_owner(membership: Membership) -> None:
    if membership.role != OWNER:
        return
    owners = Membership.objects.filter(vendor=membership.vendor_id, role=OWNER, user__is_active=True)
    if not owners.exclude(pk=membership.pk).exists():
        raise LastOwnerError(f"{membership.user} is the last owner of {membership.vendor}. Invite another owner first.")
