"""Merges of visitors: the state that a browser gathered on one domain joins its visitor in the whole community."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from sessions_farm.communities.models import MergeMarker, Visitor
from sessions_farm.communities.signals import visitors_merging


def lock_visitors(visitor_ids: Iterable[UUID]) -> QuerySet[Visitor]:
    """Lock visitors in the order of their keys. New rows that point to them, such as orders, need not wait."""
    return Visitor.objects.select_for_update(no_key=True).filter(pk__in=visitor_ids).order_by("pk")


def surviving_visitor(visitor: Visitor) -> Visitor:
    """Return the visitor into which one was merged, locked until the transaction ends; itself where it was not merged.

    For a request that read its visitor just before another tab's request merged it: nothing is given to the merged one.
    """
    current = lock_visitors([visitor.pk]).get()
    newest = MergeMarker.objects.filter(Q(source=current) | Q(target=current)).order_by("pk").last()
    return current if newest is None or newest.target_id == current.pk else surviving_visitor(newest.target)


def merge_visitors(*, source: Visitor, target: Visitor, now: datetime.datetime) -> bool:
    """Merge ``source`` into ``target`` once; return whether this call did it.

    Receivers of ``visitors_merging`` move the rows of the source, in this transaction. A signed-in source is never
    merged: its rows belong to the account, and two people are never made one. Both rows are locked in one order, so
    that two tabs that merge to and fro wait for each other and do not deadlock.
    """
    if source.pk == target.pk or source.community_id != target.community_id:
        return False
    with transaction.atomic():
        found = {visitor.pk: visitor for visitor in lock_visitors((source.pk, target.pk))}
        if len(found) < 2 or found[source.pk].user_id is not None:
            return False
        _, first = MergeMarker.objects.get_or_create(
            source=found[source.pk], target=found[target.pk], defaults={"merged_at": now}
        )
        if first:
            visitors_merging.send(sender=Visitor, source=found[source.pk], target=found[target.pk])
        return first
