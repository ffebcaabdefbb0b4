"""Whom a person works for."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from vendors.models import Membership


def staff_of(user: AbstractBaseUser | AnonymousUser) -> list[int]:
    """The ids of the vendors that a user works for, in order; none for somebody who is not signed in."""
    if user.pk is None:
        return []
    return sorted(set(Membership.objects.filter(user_id=user.pk).values_list("vendor_id", flat=True)))
