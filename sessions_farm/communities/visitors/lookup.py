"""Visitors by their ids: found by an id's hash, created at the first need, kept over a rotation, joined to a user."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from sessions_farm.communities.models import Community, Visitor, VisitorKey
from sessions_farm.communities.query_plans import planned
from sessions_farm.communities.visitors.merging import merge_visitors
from sessions_farm.session import ids

if TYPE_CHECKING:
    from sessions_farm.communities.registry import Member

DEFAULT_COMMUNITY = "default"  # of a project that declares none


def find_visitor(*session_ids: str) -> Visitor | None:
    """Return the visitor of the first id that has one: of a session's id, and of the ids that it takes over from."""
    for session_id in session_ids:
        if found := _first_key(ids.digests_of(session_id)):
            return found[0].visitor
    return None


@planned
def _first_key(key_hashes: Sequence[str]) -> QuerySet[VisitorKey]:
    return _keys(key_hashes).select_related("visitor")


def visitors_with(key_hashes: Sequence[str]) -> QuerySet[VisitorKey, UUID]:
    """Select the id of the visitor of an id's hashes, for a subquery."""
    return _keys(key_hashes).values_list("visitor", flat=True)


def _keys(key_hashes: Sequence[str]) -> QuerySet[VisitorKey]:
    return VisitorKey.objects.filter(key_hash__in=key_hashes).order_by("pk")[:1]


def get_or_create_visitor(session_id: str, member: Member | None) -> Visitor:
    """Return the visitor of an id; concurrent first requests get the same one."""
    if found := find_visitor(session_id):
        return found
    community_id = member.community_id if member else default_community().pk
    try:
        with transaction.atomic():
            visitor = Visitor.objects.create(community_id=community_id)
            VisitorKey.objects.create(key_hash=ids.digest(session_id), visitor=visitor)
    except IntegrityError:
        return VisitorKey.objects.select_related("visitor").get(key_hash=ids.digest(session_id)).visitor
    return visitor


def assign_visitor(session_id: str, visitor: Visitor) -> None:
    """Make a visitor the one of an id, also where the id has another."""
    VisitorKey.objects.update_or_create(key_hash=ids.digest(session_id), defaults={"visitor": visitor})


def assign_visitor_once(session_id: str, visitor: Visitor) -> Visitor:
    """Make a visitor the one of an id that has none; return the id's visitor.

    Another tab may have put something into its cart under that very id, a moment ago.
    """
    hashed = ids.digest(session_id)
    key, _ = VisitorKey.objects.select_related("visitor").get_or_create(key_hash=hashed, defaults={"visitor": visitor})
    return key.visitor


def join_visitor_to_user(
    *, user: Any, session_ids: Sequence[str], member: Member | None, now: datetime.datetime
) -> Visitor | None:
    """Join the visitor of a session to the signed-in user, and return the user's visitor in the community.

    A user's devices share one visitor in a community. The state of an anonymous visitor goes to the user's own by
    ``visitors_merging``. The visitor of another user is left alone: the id then has none, or the user's own.
    """
    current = find_visitor(*session_ids)
    if current is not None and current.user_id == user.pk:
        return current
    if current is None:
        return assign_own_visitor(session_ids[0], user, member)
    with transaction.atomic():
        current = anonymous_or_own(current, user, session_ids)
        if current is None:
            return assign_own_visitor(session_ids[0], user, member)
        own = Visitor.objects.filter(user=user, community=current.community_id).first() or claim_for_user(current, user)
        if current.pk != own.pk:
            merge_visitors(source=current, target=own, now=now)
            VisitorKey.objects.filter(visitor=current).update(visitor=own)
        return own


def assign_own_visitor(session_id: str, user: Any, member: Member | None) -> Visitor | None:
    """Make the user's visitor in the member's community the one of an id; return it, or None without one."""
    own = Visitor.objects.filter(user=user, community=member.community_id).first() if member else None
    if own is not None:
        assign_visitor(session_id, own)
    return own


def anonymous_or_own(visitor: Visitor | None, user: Any, session_ids: Sequence[str]) -> Visitor | None:
    """Return a visitor that the user may take over; leave another user's alone, and take the ids away from it."""
    if visitor is None or visitor.user_id in {None, user.pk}:
        return visitor
    hashes = [key for session_id in session_ids for key in ids.digests_of(session_id)]
    VisitorKey.objects.filter(key_hash__in=hashes).delete()
    return None


def claim_for_user(visitor: Visitor, user: Any) -> Visitor:
    """Make a visitor the user's own; where a concurrent login was faster, return that one's visitor."""
    try:
        with transaction.atomic():
            visitor.user = user
            visitor.save(update_fields=["user"])
    except IntegrityError:
        visitor.user = None
        return Visitor.objects.get(user=user, community=visitor.community_id)
    return visitor


def default_community() -> Community:
    """Return the community of a project that declares none; it is created at the first call."""
    community, _ = Community.objects.get_or_create(
        slug=DEFAULT_COMMUNITY, defaults={"name": "Default", "cookie_name": "alone"}
    )
    return community
