"""Visitors: found by the hash of an id, made at the first need, kept over a rotation, joined to a person at login."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, connections, router, transaction

from sessions_farm.communities.models import Community, Visitor, VisitorKey
from sessions_farm.communities.visitors.merging import merge_visitors
from sessions_farm.session import ids
from sessions_farm.stores.effects import round_trips

if TYPE_CHECKING:
    from sessions_farm.communities.registry import Member

CARRY_OVER = f"""
INSERT INTO {VisitorKey._meta.db_table} (key_hash, visitor_id, created_at)
SELECT %s, visitor_id, created_at FROM {VisitorKey._meta.db_table} WHERE key_hash IN ({{marks}}) LIMIT 1
ON CONFLICT (key_hash) DO NOTHING
"""  # noqa: S608 -- the name is our table's

ALONE = "default"  # the community of a project that declares none


def find(*session_ids: str) -> Visitor | None:
    """The visitor of an id; of several, as one and the one that it takes over from, the first that leads to one."""
    for session_id in session_ids:
        key = VisitorKey.objects.filter(key_hash__in=ids.digests_of(session_id)).select_related("visitor").first()
        if key:
            return key.visitor
    return None


def ensure(session_id: str, member: Member | None) -> Visitor:
    """The visitor of an id; two requests that need the first one at once get the same."""
    if found := find(session_id):
        return found
    community_id = member.community_id if member else alone().pk
    try:
        with transaction.atomic():
            visitor = Visitor.objects.create(community_id=community_id)
            VisitorKey.objects.create(key_hash=ids.digest(session_id), visitor=visitor)
    except IntegrityError:
        return VisitorKey.objects.select_related("visitor").get(key_hash=ids.digest(session_id)).visitor
    return visitor


def point(session_id: str, visitor: Visitor) -> None:
    """From now on the holder of the id is this visitor."""
    VisitorKey.objects.update_or_create(key_hash=ids.digest(session_id), defaults={"visitor": visitor})


def give(session_id: str, visitor: Visitor) -> Visitor:
    """Let the id lead to the visitor, unless it leads to one by now; return where it leads.

    Another tab may have put something into its cart under that very id, a moment ago.
    """
    hashed = ids.digest(session_id)
    key, _ = VisitorKey.objects.select_related("visitor").get_or_create(key_hash=hashed, defaults={"visitor": visitor})
    return key.visitor


def carry_over(old_id: str, new_id: str) -> None:
    """Let a rotated id lead where the old one led, if it leads nowhere yet: one statement."""
    hashes = ids.digests_of(old_id)
    with connections[router.db_for_write(VisitorKey)].cursor() as cursor:
        round_trips.count()
        cursor.execute(CARRY_OVER.format(marks=", ".join(["%s"] * len(hashes))), [ids.digest(new_id), *hashes])


def sign_in(*, user: Any, session_ids: Sequence[str], member: Member | None, now: datetime.datetime) -> Visitor | None:
    """Join the visitor of an id, and of the one that it takes over from, to the person.

    The person's devices share one visitor in a community.

    What the visitor gathered before goes to the person's own by ``visitors_merging``. A visitor of another person is
    left alone: the id then leads to nobody, or to the person's own.
    """
    with transaction.atomic():
        here = find(*session_ids)
        if here is not None and here.user_id not in {None, user.pk}:
            hashes = [key for session_id in session_ids for key in ids.digests_of(session_id)]
            VisitorKey.objects.filter(key_hash__in=hashes).delete()
            here = None
        community_id = here.community_id if here else member.community_id if member else None
        own = Visitor.objects.filter(user=user, community=community_id).first()
        if here is not None and own is None:
            own = claim(here, user)
        if own is None:
            return None
        if here is not None and here.pk != own.pk:
            merge_visitors(source=here, target=own, now=now)
            VisitorKey.objects.filter(visitor=here).update(visitor=own)
        elif here is None:
            point(session_ids[0], own)
        return own


def claim(visitor: Visitor, user: Any) -> Visitor:
    """Make the visitor the person's own; where another login was faster, return that one's."""
    try:
        with transaction.atomic():
            visitor.user = user
            visitor.save(update_fields=["user"])
    except IntegrityError:
        visitor.user = None
        return Visitor.objects.get(user=user, community=visitor.community_id)
    return visitor


def alone() -> Community:
    community, _ = Community.objects.get_or_create(slug=ALONE, defaults={"name": "Default", "cookie_name": "alone"})
    return community
