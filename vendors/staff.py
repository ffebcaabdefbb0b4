"""Vendors of a member of staff."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from vendors.models import Membership


def staff_of(user: AbstractBaseUser | AnonymousUser) -> list[int]:
    """Return the sorted ids of the vendors that a user works for; empty for an anonymous user."""
    if user.pk is None:
        return []
    return sorted(set(Membership.objects.filter(user_id=user.pk).values_list("vendor_id", flat=True)))
