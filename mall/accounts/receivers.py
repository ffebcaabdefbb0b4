"""Receivers of the signals of sign-in and of a reset password."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from mall.accounts.device_views import DEVICE
from mall.accounts.user_agents import describe


@receiver(user_logged_in, dispatch_uid="mall.accounts.name_device")
def name_device(*, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """Store the device's name in its session, for the list of devices."""
    session = getattr(request, "session", None)
    if request is not None and session is not None:
        session[DEVICE] = describe(request.headers.get("User-Agent", ""))


@receiver(password_reset, dispatch_uid="mall.accounts.confirm_address")
def confirm_address(*, user: Any, **_kwargs: Any) -> None:
    """Confirm an account's only address: the link that reset the password came there."""
    addresses = list(EmailAddress.objects.filter(user=user)[:2])
    if len(addresses) == 1 and addresses[0].email.lower() == user.email.lower():
        addresses[0].set_verified()
