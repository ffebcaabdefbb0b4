"""Access to a vendor's feed, for its owners, its support people and the mall's staff with that permission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import redis.asyncio
from django.contrib.auth import get_user

from sessions_farm.session.session import SessionStore
from sessions_farm.stores.base import StoreUnavailableError
from support_watch import limits
from support_watch.feed.scripts import source
from vendors.models import Membership, Vendor

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.contrib.sessions.backends.base import SessionBase
    from django.http import HttpRequest

WATCHERS = (Membership.Role.OWNER, Membership.Role.SUPPORT)


class SessionUnavailableError(Exception):
    """The session store did not answer, so access can be neither granted nor denied; try again later."""


@dataclass(slots=True)
class SessionRequest:
    """The part of a request that Django's get_user() reads: the session."""

    session: SessionBase


def vendor_for(user: AbstractBaseUser | AnonymousUser, slug: str) -> Vendor | None:
    """Return the vendor if the user may watch it; None otherwise, and for an unknown slug."""
    if not user.is_authenticated or not user.is_active:
        return None
    vendors = Vendor.objects.filter(slug=slug)
    if not sees_all_visits(user):
        vendors = vendors.filter(memberships__user=user.pk, memberships__role__in=WATCHERS).distinct()
    return vendors.first()


def sees_all_visits(user: Any) -> bool:
    """Return whether a user is of the mall's staff, with a role that sees the support pages of all vendors."""
    return bool(user.is_staff and user.has_perm("support_watch.view_supportvisit"))


def user_of(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Return the session's user, its password hash checked as Django does for a request."""
    return get_user(cast("HttpRequest", SessionRequest(session)))


def authorize(session: SessionStore, slug: str) -> tuple[Any, Vendor | None]:
    """Return the user's id and the vendor they may watch, read anew; raise SessionUnavailableError."""
    fresh = SessionStore(proof=session.proof, audience=session.audience)
    try:
        user = user_of(fresh)
    except StoreUnavailableError as error:
        raise SessionUnavailableError("The session store does not answer, so the user is not known.") from error
    return user.pk, vendor_for(user, slug)


async def acquire_slot(client: redis.asyncio.Redis, user_id: Any, socket: str) -> bool:
    """Acquire or renew one of the user's SOCKETS_PER_USER slots over the whole farm; return False if all are taken."""
    script = client.register_script(source("slot"))
    arguments: list[str | int] = ["", socket, limits.SOCKETS_PER_USER, limits.SLOT_SECONDS * 1000]
    return bool(await script(keys=[slots_key(user_id)], args=arguments))


async def release_slot(client: redis.asyncio.Redis, user_id: Any, socket: str) -> None:
    """Give a socket's slot back."""
    await client.zrem(slots_key(user_id), socket)


def slots_key(user_id: Any) -> str:
    """Return the Redis key of a user's slots."""
    return f"watch:sockets:{user_id}"
