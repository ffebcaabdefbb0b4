"""Receivers of the signals of sign-in."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from mall.accounts.user_agents import describe
from mall.accounts.views import DEVICE


@receiver(user_logged_in, dispatch_uid="mall.accounts.name_device")
def name_device(*, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    """Store the device's name in its session, for the list of devices."""
    session = getattr(request, "session", None)
    if request is not None and session is not None:
        session[DEVICE] = describe(request.headers.get("User-Agent", ""))
