"""Fixtures of the tests of communities: no domain remembered of another test, two communities."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from django.core.cache import cache

from sessions_farm.communities.handoff import concurrent_tabs, rate_limit
from sessions_farm.communities.handoff.circuit_breakers import breakers
from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.communities.signals import visitors_merging
from sessions_farm.communities.tests.support import handoff_site

HOST_MIDDLEWARE = "sessions_farm.communities.middleware.HostMiddleware"


@pytest.fixture(autouse=True)
def _no_remembered_domains(settings):
    # The project that runs these tests may know which of its own hosts are in use; ours are not among them.
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "HOSTS_IN_USE": ""}
    registry.forget()
    yield
    registry.stop()  # a thread that went on polling would show the next test what is committed, and that is nothing
    registry.forget()


def make_community(slug, master, *hosts, **fields):
    community = Community.objects.create(slug=slug, name=slug.title(), cookie_name=slug, **fields)
    community.master = Domain.objects.create(community=community, host=master, status="active")
    community.save()
    for host in hosts:
        kind = Domain.Kind.WILDCARD if host.startswith("*.") else Domain.Kind.EXACT
        Domain.objects.create(community=community, host=host.removeprefix("*."), kind=kind, status="active")
    return community


@pytest.fixture
def two_communities():
    """``mall`` (mall.test: a.test, b.test, *.shops.test) and ``fair`` (fair.test: c.test)."""
    return SimpleNamespace(
        mall=make_community("mall", "mall.test", "a.test", "b.test", "*.shops.test"),
        fair=make_community("fair", "fair.test", "c.test"),
    )


@pytest.fixture
def walking_mall(db, two_communities, settings, monkeypatch):
    """Both communities on HTTPS with a small site on every host (handoff_site)."""
    yield from serve(settings, monkeypatch)


@pytest.fixture
def committed_mall(transactional_db, two_communities, settings, monkeypatch):
    """The same, visible to other threads."""
    yield from serve(settings, monkeypatch)


def serve(settings, monkeypatch):
    settings.MIDDLEWARE = handoff_site.MIDDLEWARE
    settings.ROOT_URLCONF = "sessions_farm.communities.tests.support.handoff_site"
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", 443
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.CSRF_COOKIE_NAME = "__Host-csrf"
    settings.SESSIONS_FARM = {"STORE": "database"}
    settings.SESSIONS_FARM_COMMUNITIES = {"REGISTRY_POLL_SECONDS": 0, "PROBE_SECONDS": 0}
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    # "At once" lasts until a test ends it (cache.clear()), however slow the machine is.
    monkeypatch.setattr(concurrent_tabs, "MOMENT", 3600)
    breakers.clear()
    rate_limit.starts.clear()
    rate_limit.answers.clear()
    handoff_site.LINES.clear()
    visitors_merging.connect(handoff_site.move_lines)
    yield
    visitors_merging.disconnect(handoff_site.move_lines)


@pytest.fixture
def limited(settings, monkeypatch):
    """Set how many hand-offs a network has in a minute: ``limited(3)``; that minute does not end during the test."""
    monkeypatch.setattr(rate_limit, "MINUTE", math.inf)

    def limit(most):
        settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "HANDOFFS_PER_MINUTE": most}

    return limit
