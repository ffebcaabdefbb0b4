"""Access to a vendor's feed, for its owners, its support people and the mall's staff with that permission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import redis.asyncio
from django.contrib.auth import get_user
from django.db import transaction

from sessions_farm.session.session import SessionStore
from sessions_farm.stores.base import StoreUnavailableError
from support_watch import keys, limits
from support_watch.feed.scripts import source
from support_watch.models import DeskKey
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


def may_set_up(user: Any, vendor: Vendor) -> bool:
    """Return whether a user is an owner of the vendor, who chooses its watched pages and its keys."""
    return bool(vendor.memberships.filter(user=user.pk, role=Membership.Role.OWNER).exists() or user.is_superuser)


def sees_all_visits(user: Any) -> bool:
    """Return whether a user is of the mall's staff, with a role that sees the support pages of all vendors."""
    return bool(user.is_staff and user.has_perm("support_watch.view_supportvisit"))


def user_of(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Return the session's user, its password hash checked as Django does for a request."""
    return get_user(cast("HttpRequest", SessionRequest(session)))


@dataclass(frozen=True, slots=True)
class Watcher:
    """A person or a program that may watch a vendor; ``holder`` is whose screens are counted together."""

    vendor_id: int
    holder: str
    user_id: Any = None
    session: str = ""
    name: str = ""
    most_screens: int = limits.SCREENS_PER_USER


@dataclass(frozen=True, slots=True)
class SessionAccess:
    """The access of a person by a session, whose idle time it never begins anew."""

    session: SessionStore
    slug: str

    def check(self) -> Watcher | None:
        """Return the watcher, read anew; None without access. Raise SessionUnavailableError."""
        fresh = SessionStore(proof=self.session.proof, audience=self.session.audience)
        try:
            with transaction.atomic():  # in which the engine's stores read a session without touching it (ADR 48)
                user = user_of(fresh)
                vendor = vendor_for(user, self.slug)
        except StoreUnavailableError as error:
            raise SessionUnavailableError("The session store does not answer, so the user is not known.") from error
        if vendor is None:
            return None
        return Watcher(vendor.pk, f"user:{user.pk}", user.pk, fresh.key_hash or "", str(user))


@dataclass(frozen=True, slots=True)
class KeyAccess:
    """The access of a vendor's own program by a key."""

    key: str
    slug: str

    def check(self) -> Watcher | None:
        """Return the watcher, read anew; None for a key that does not open this vendor's events."""
        found = keys.find(self.key, slug=self.slug, scope=DeskKey.Scope.EVENTS)
        if found is None:
            return None
        return Watcher(found.vendor_id, f"key:{found.pk}", name=found.name, most_screens=limits.STREAMS_PER_KEY)


type Access = SessionAccess | KeyAccess


async def acquire_slot(client: redis.asyncio.Redis, watcher: Watcher, screen: str) -> bool:
    """Acquire or renew one of the holder's slots over the whole farm; return False if all are taken."""
    script = client.register_script(source("slot"))
    arguments: list[str | int] = ["", screen, watcher.most_screens, limits.SLOT_SECONDS * 1000]
    return bool(await script(keys=[slots_key(watcher)], args=arguments))


async def release_slot(client: redis.asyncio.Redis, watcher: Watcher, screen: str) -> None:
    """Give a screen's slot back."""
    await client.zrem(slots_key(watcher), screen)


def slots_key(watcher: Watcher) -> str:
    """Return the Redis key of a holder's slots."""
    return f"watch:screens:{watcher.holder}"
