"""Tell the requests of shoppers from robots, prefetches and the vendor's own staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessions_farm.communities.robots import is_robot

if TYPE_CHECKING:
    from vendors.http import MallRequest


def is_machine(request: MallRequest) -> bool:
    """Return True for a robot by its User-Agent, and for a request without one."""
    user_agent = request.headers.get("User-Agent", "")
    return not user_agent or is_robot(user_agent)


def is_own_staff(request: MallRequest, vendor_id: int) -> bool:
    """Return True for the vendor's own staff."""
    return vendor_id in request.mall.staff_of


def is_shopper(request: MallRequest, vendor_id: int) -> bool:
    """Return True for a page view of a shopper of this vendor."""
    return request.method in {"GET", "POST"} and not is_machine(request) and not is_own_staff(request, vendor_id)


def subjects_of(request: MallRequest) -> list[str]:
    """Return the stable identities of a shopper: the visitor, if there is one, and the mall id's hash.

    Empty where no cookie proves the id: a browser that keeps no cookies would count as a new visitor on every page.
    """
    mall = request.mall
    if mall.id is None or mall.session is None or mall.session.proof is None:
        return []
    subjects = [f"session:{mall.key_hash}"]
    if mall.visitor is not None:
        subjects.insert(0, f"visitor:{mall.visitor.pk}")
    return subjects
