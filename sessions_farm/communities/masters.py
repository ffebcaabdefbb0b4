"""A community gets another master, in two steps: it is announced, then it takes over.

For a while the former master still vouches for whom it knew, so that nobody's id changes with the house.
"""

from __future__ import annotations

import datetime

from django.db import transaction

from sessions_farm.communities.models import Community, Domain

FORMER_FOR = datetime.timedelta(days=30)  # as long as a cookie of the former master lives


class NoMaster(Exception):
    """A domain cannot become, or stay, the master."""


def fault_of(community: Community, domain: Domain) -> str:
    """Why a domain cannot be this community's master; '' where it can."""
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
    """Step one: say which domain comes next. Nothing changes for shoppers. Raise NoMaster."""
    if domain.pk == community.master_id:
        raise NoMaster(f"{domain} is the master already.")
    if fault := fault_of(community, domain):
        raise NoMaster(fault)
    Community.objects.filter(pk=community.pk).update(next_master=domain)
    community.refresh_from_db()


def withdraw_announcement(*, community: Community) -> None:
    Community.objects.filter(pk=community.pk).update(next_master=None)
    community.refresh_from_db()


@transaction.atomic
def change_master(*, community: Community, now: datetime.datetime) -> None:
    """Step two: the announced domain is the master from now on. Raise NoMaster where none was, or it is not served."""
    community.refresh_from_db()
    if community.next_master is None:
        raise NoMaster("No successor is announced; announce one first.")
    if fault := fault_of(community, community.next_master):
        raise NoMaster(fault)
    Community.objects.filter(pk=community.pk).update(
        master=community.next_master,
        next_master=None,
        former_master=community.master,
        former_master_until=now + FORMER_FOR if community.master else None,
    )
    community.refresh_from_db()


def forget_former_master(*, community: Community) -> None:
    """Ask the former master no more: it is gone, or in other hands. Whoever only it knows begins anew."""
    Community.objects.filter(pk=community.pk).update(former_master=None, former_master_until=None)
    community.refresh_from_db()
