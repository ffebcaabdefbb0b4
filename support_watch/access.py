"""Who may watch a vendor's feed: its owners and its support people, and the mall's own staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import redis.asyncio
from django.contrib.auth import get_user

from sessions_farm.session.session import SessionStore
from support_watch import limits
from support_watch.scripts import source
from vendors.models import Membership, Vendor

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

WATCHERS = (Membership.Role.OWNER, Membership.Role.SUPPORT)


class SessionUnknown(Exception):
    """Neither yes nor no: ask again later."""


@dataclass(slots=True)
class Carrier:
    """What Django's get_user() wants of a request: the session."""

    session: SessionBase


def vendor_for(user: AbstractBaseUser | AnonymousUser, slug: str) -> Vendor | None:
    """The vendor where this person may watch it, else None; None for a vendor that does not exist too."""
    if not user.is_authenticated or not user.is_active:
        return None
    vendors = Vendor.objects.filter(slug=slug)
    if not getattr(user, "is_superuser", False):
        vendors = vendors.filter(memberships__user=user.pk, memberships__role__in=WATCHERS).distinct()
    return vendors.first()


def user_of(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Whose session it is now, its password hash checked as Django does for a request."""
    return get_user(cast("HttpRequest", Carrier(session)))


def watcher(session: SessionStore, slug: str) -> tuple[Any, Vendor | None]:
    """The person's id and the vendor they may watch, read anew. Raise SessionUnknown."""
    fresh = SessionStore(proof=session.proof, member=session.member)
    user = user_of(fresh)
    if fresh.unavailable:
        raise SessionUnknown("The session store does not answer; nobody can say who this is.")
    return user.pk, vendor_for(user, slug)


async def hold_slot(client: redis.asyncio.Redis, user_id: Any, socket: str) -> bool:
    """Take or keep one of the person's SOCKETS_PER_USER places over the whole farm."""
    script = client.register_script(source("slot"))
    arguments: list[str | int] = ["", socket, limits.SOCKETS_PER_USER, limits.SLOT_SECONDS * 1000]
    return bool(await script(keys=[slots_key(user_id)], args=arguments))


async def free_slot(client: redis.asyncio.Redis, user_id: Any, socket: str) -> None:
    await client.zrem(slots_key(user_id), socket)


def slots_key(user_id: Any) -> str:
    return f"watch:sockets:{user_id}"
