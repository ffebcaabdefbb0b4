"""Which requests are a shopper's visit: not machines, not a browser reading ahead, not the vendor's own people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.http import HttpRequest

MACHINES = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|facebookexternalhit|embedly|monitor|lighthouse"
    r"|^(curl|wget|python|go-http|java|okhttp|libwww|axios|node)",
    re.IGNORECASE,
)


def reads_ahead(request: HttpRequest) -> bool:
    """Prefetch or prerender: the page may never be looked at (Sec-Purpose; Purpose and X-Moz are its elders)."""
    purpose = request.headers.get("Sec-Purpose", "") or request.headers.get("Purpose", "")
    return "prefetch" in purpose or "prerender" in purpose or request.headers.get("X-Moz") == "prefetch"


def is_machine(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "")
    return not agent or MACHINES.search(agent) is not None


def is_own_staff(request: HttpRequest, vendor_id: int) -> bool:
    return vendor_id in request.mall.staff_of  # type: ignore[attr-defined]  # set by sessions_farm's HostGate


def is_shopper(request: HttpRequest, vendor_id: int) -> bool:
    return request.method in {"GET", "POST"} and not is_machine(request) and not is_own_staff(request, vendor_id)


def subjects_of(request: HttpRequest) -> list[str]:
    """What stays the same of a shopper: the visitor over logins, the mall id's hash before there is one.

    Empty where no cookie proves the id: an id that was made just now may be given to a browser that keeps none, and
    then each page would be somebody new.
    """
    mall = request.mall  # type: ignore[attr-defined]  # set by sessions_farm's HostGate
    if mall.id is None or mall.session.proof is None:
        return []
    subjects = [f"session:{mall.key_hash}"]
    if mall.visitor is not None:
        subjects.insert(0, f"visitor:{mall.visitor.pk}")
    return subjects
