"""Makes one visitor of two: what a browser gathered on one domain joins what its visitor has in the whole community."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from sessions_farm.communities.models import MergeMarker, Visitor
from sessions_farm.communities.signals import visitors_merging


def locked(visitor_ids: Iterable[UUID]) -> QuerySet[Visitor]:
    """Visitors, locked in the order of their keys. New rows that point to them, such as orders, need not wait."""
    return Visitor.objects.select_for_update(no_key=True).filter(pk__in=visitor_ids).order_by("pk")


def survivor_of(visitor: Visitor) -> Visitor:
    """Who the visitor is by now, locked until the transaction ends, so that no merge takes away what is given to them.

    For a request that learned who its visitor is just before another tab's request merged that visitor.
    """
    current = locked([visitor.pk]).get()
    newest = MergeMarker.objects.filter(Q(source=current) | Q(target=current)).order_by("pk").last()
    return current if newest is None or newest.target_id == current.pk else survivor_of(newest.target)


def merge_visitors(*, source: Visitor, target: Visitor, now: datetime.datetime) -> bool:
    """Merge ``source`` into ``target`` once; True where this call did it.

    Whoever hears ``visitors_merging`` moves what hangs on the source, in this transaction. A signed-in source is never
    merged: what someone has belongs to the account, and two people are never made one. Both rows are locked in one
    order, so that two tabs that merge to and fro wait for each other and don't block each other.
    """
    if source.pk == target.pk or source.community_id != target.community_id:
        return False
    with transaction.atomic():
        found = {visitor.pk: visitor for visitor in locked((source.pk, target.pk))}
        if len(found) < 2 or found[source.pk].user_id is not None:
            return False
        _, first = MergeMarker.objects.get_or_create(
            source=found[source.pk], target=found[target.pk], defaults={"merged_at": now}
        )
        if first:
            visitors_merging.send(sender=Visitor, source=found[source.pk], target=found[target.pk])
        return first
