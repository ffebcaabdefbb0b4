"""The list of devices on which a user is signed in, and the button that ends a session."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from mall.accounts.user_agents import UNKNOWN, translated
from sessions_farm.session import queries
from vendors.http import MallRequest

DEVICE = "_device"  # declared in SESSIONS_FARM["VARIABLES"]
LIMIT = 200


@never_cache
@login_required
def list_devices(request: MallRequest) -> HttpResponse:
    """Show the user's devices, this one first, then the latest seen."""
    here = request.mall.key_hash
    found = queries.devices(request.user, limit=LIMIT)
    found.sort(key=lambda device: (device.handle != here, -device.seen_at.timestamp()))
    names = [translated(str(one.shared.get(DEVICE, UNKNOWN))) for one in found]
    devices = [
        {"session": one, "name": name, "is_here": one.handle == here} for one, name in zip(found, names, strict=True)
    ]
    return render(request, "account/devices.html", {"devices": devices})


@login_required
@require_POST
def end_device(request: HttpRequest) -> HttpResponse:
    """End one of the user's other sessions, or all of them; ignore the handle of another user's session."""
    session: Any = request.session
    handle = request.POST.get("handle", "")
    if handle == "":
        queries.end_everywhere(request.user, spare=session)
    elif handle != session.key_hash and handle in {one.handle for one in queries.devices(request.user, limit=LIMIT)}:
        queries.end(handle)
    return redirect("devices")
