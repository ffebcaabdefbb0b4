"""What the session farm's tests share: nothing remembered of another test's domains, and two communities."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sessions_farm.communities import registry
from sessions_farm.models import Community, Domain


@pytest.fixture(autouse=True)
def _no_remembered_domains():
    registry.forget()
    yield
    registry.forget()


def make_community(slug, master, *hosts, **fields):
    community = Community.objects.create(slug=slug, name=slug.title(), cookie_name=slug, **fields)
    community.master = Domain.objects.create(community=community, host=master)
    community.save()
    for host in hosts:
        kind = Domain.Kind.WILDCARD if host.startswith("*.") else Domain.Kind.EXACT
        Domain.objects.create(community=community, host=host.removeprefix("*."), kind=kind)
    return community


@pytest.fixture
def two_communities():
    """``mall`` (mall.test: a.test, b.test, *.shops.test) and ``fair`` (fair.test: c.test)."""
    return SimpleNamespace(
        mall=make_community("mall", "mall.test", "a.test", "b.test", "*.shops.test"),
        fair=make_community("fair", "fair.test", "c.test"),
    )
