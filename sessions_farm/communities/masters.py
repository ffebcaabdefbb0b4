"""Replacement of a community's master in two steps: it is announced, then it takes over.

For a while the former master still vouches for the visitors that it knew, so that their ids stay the same.
"""

from __future__ import annotations

import datetime

from django.db import transaction

from sessions_farm.communities.errors import MasterCandidateError
from sessions_farm.communities.models import Community, Domain

FORMER_MASTER_PERIOD = datetime.timedelta(days=30)  # as long as a cookie of the former master lives


def candidate_fault(community: Community, domain: Domain) -> str:
    """Return why a domain cannot be a community's master, as a sentence; '' where it can."""
    if domain.community_id != community.pk:
        return f"{domain} is of another community."
    if domain.kind != Domain.Kind.EXACT:
        return f"{domain} is {domain.get_kind_display()}; a master is one exact host."
    if domain.status != Domain.Status.ACTIVE:
        return f"{domain} is {domain.get_status_display()}; serve it first."
    if domain.canonical_id:
        return f"{domain} only leads to {domain.canonical}; a master serves pages itself."
    return ""


@transaction.atomic
def announce_master(*, community: Community, domain: Domain) -> None:
    """Name the next master; nothing changes for shoppers yet. Raise MasterCandidateError."""
    if domain.pk == community.master_id:
        raise MasterCandidateError(f"{domain} is the master already.")
    if fault := candidate_fault(community, domain):
        raise MasterCandidateError(fault)
    Community.objects.filter(pk=community.pk).update(next_master=domain)
    community.refresh_from_db()


def withdraw_announcement(*, community: Community) -> None:
    """Take the announcement of a next master back."""
    Community.objects.filter(pk=community.pk).update(next_master=None)
    community.refresh_from_db()


@transaction.atomic
def change_master(*, community: Community, now: datetime.datetime) -> None:
    """Make the announced domain the master. Raise MasterCandidateError where none is announced, or it is not served."""
    community.refresh_from_db()
    if community.next_master is None:
        raise MasterCandidateError("No successor is announced; announce one first.")
    if fault := candidate_fault(community, community.next_master):
        raise MasterCandidateError(fault)
    Community.objects.filter(pk=community.pk).update(
        master=community.next_master,
        next_master=None,
        former_master=community.master,
        former_master_until=now + FORMER_MASTER_PERIOD if community.master else None,
    )
    community.refresh_from_db()


def forget_former_master(*, community: Community) -> None:
    """Stop consulting the former master, which is gone or in other hands. Visitors known to it alone begin anew."""
    Community.objects.filter(pk=community.pk).update(former_master=None, former_master_until=None)
    community.refresh_from_db()
