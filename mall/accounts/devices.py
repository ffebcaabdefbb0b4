"""Where a person is signed in: each browser, and the button that ends it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from sessions_farm.session import queries

DEVICE = "_device"  # declared in SESSIONS_FARM["VARIABLES"]
LIMIT = 200

# The first that is in the User-Agent names it: each browser also names those before it in this list's reverse.
BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
SYSTEMS = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "a Mac",
    "Linux": "Linux",
}


@receiver(user_logged_in, dispatch_uid="mall.accounts.devices")
def name_device(*, request: HttpRequest | None = None, **_kwargs: Any) -> None:
    session = getattr(request, "session", None)
    if request is not None and session is not None:
        session[DEVICE] = described(request.headers.get("User-Agent", ""))


@never_cache
@login_required
def show(request: HttpRequest) -> HttpResponse:
    here = request.mall.key_hash  # type: ignore[attr-defined]  # HostGate's
    found = queries.devices(request.user, limit=LIMIT)
    found.sort(key=lambda device: (device.handle != here, -device.seen_at.timestamp()))
    devices = [
        {"session": one, "name": one.shared.get(DEVICE, "A browser"), "is_here": one.handle == here} for one in found
    ]
    return render(request, "account/devices.html", {"devices": devices})


@login_required
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End one of the person's other sessions, or all of them; a handle that is not theirs ends nothing."""
    session: Any = request.session
    handle = request.POST.get("handle", "")
    if handle == "":
        queries.end_everywhere(request.user, spare=session)
    elif handle != session.key_hash and handle in {one.handle for one in queries.devices(request.user, limit=LIMIT)}:
        queries.end(handle)
    return redirect("devices")


def described(user_agent: str) -> str:
    browser = next((name for word, name in BROWSERS.items() if word in user_agent), "A browser")
    system = next((name for word, name in SYSTEMS.items() if word in user_agent), "")
    return f"{browser} on {system}" if system else browser
