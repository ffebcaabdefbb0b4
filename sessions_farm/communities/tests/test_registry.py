"""The registry of domains: who is served, at what cost, and how soon a change is seen."""

import threading
import time

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection

from sessions_farm.communities import registry as communities
from sessions_farm.communities.errors import RegistryUnavailableError
from sessions_farm.communities.models import CHANNEL, Community, Domain, RegistryVersion
from sessions_farm.communities.registry import Registry, registry
from sessions_farm.communities.tests.support.fixtures import make_community


def test_resolve_host_gives_its_member(db, two_communities):
    member = registry.resolve("a.test")

    assert (member.host, member.community, member.cookie_name) == ("a.test", "mall", "mall")
    assert member.master_host == "mall.test"
    assert not member.is_master
    assert registry.resolve("mall.test").is_master
    assert registry.master_of(two_communities.mall.pk).host == "mall.test"


@pytest.mark.parametrize("host", ["x.shops.test", "thistle.shops.test", "9-9.shops.test"])
def test_resolve_one_label_below_wildcard_serves(db, two_communities, host):
    assert registry.resolve(host).host == host


@pytest.mark.parametrize("host", ["shops.test", "x.y.shops.test", ".shops.test", "-x.shops.test", "x_y.shops.test", ""])
def test_resolve_other_than_one_label_below_wildcard_is_nobody(db, two_communities, host):
    assert registry.resolve(host) is None


def test_resolve_exact_host_beats_wildcard(db, two_communities):
    own = Domain.objects.create(community=two_communities.mall, host="own.shops.test", status="active")

    assert registry.resolve("own.shops.test").domain_id == own.pk


def test_hosts_of_names_wildcards(db, two_communities):
    assert registry.hosts_of(two_communities.mall.pk) == ["*.shops.test", "a.test", "b.test", "mall.test"]


def test_resolve_costs_no_query(db, two_communities, django_assert_num_queries):
    registry.refresh()
    with django_assert_num_queries(0):
        for host in ("a.test", "x.shops.test", "nobody.test"):
            registry.resolve(host)


@pytest.mark.parametrize("status", ["pending", "verified", "suspended"])
def test_resolve_domain_not_active_is_nobody(db, two_communities, status):
    Domain.objects.filter(host="a.test").update(status=status)

    assert registry.resolve("a.test") is None


def test_resolve_inactive_community_is_nobody(db, two_communities):
    two_communities.fair.is_active = False
    two_communities.fair.save()

    assert registry.resolve("c.test") is None
    assert registry.resolve("a.test") is not None


def test_master_of_unserved_master_says_so(db, two_communities):
    Domain.objects.filter(host="fair.test").update(status="suspended")

    with pytest.raises(LookupError, match="no served master"):
        registry.master_of(two_communities.fair.pk)


CHANGES = {
    "save": lambda c: Domain.objects.create(community=c, host="new.test", status="active"),
    "update": lambda c: Domain.objects.filter(host="a.test").update(status="suspended"),
    "bulk_create": lambda c: Domain.objects.bulk_create([Domain(community=c, host="new.test", status="active")]),
    "delete": lambda c: Domain.objects.get(host="a.test").delete(),
    "delete many": lambda c: Domain.objects.filter(host="a.test").delete(),
    "community": lambda c: c.save(),
    "communities": lambda c: Community.objects.update(key_epoch=2),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_version_rises_with_each_change(db, two_communities, change):
    before = RegistryVersion.objects.get().number
    change(two_communities.mall)

    assert RegistryVersion.objects.get().number > before


def other_node():
    """A registry that knows nothing of this process's signals, as another machine's does."""
    node = Registry()
    node.refresh()
    return node


def test_poll_sees_what_another_node_changed(transactional_db, two_communities, django_assert_num_queries):
    node = other_node()
    Domain.objects.create(community=two_communities.mall, host="new.test", status="active")
    assert node.resolve("new.test") is None

    node.poll()
    assert node.resolve("new.test") is not None
    with django_assert_num_queries(1):
        node.poll()


def test_thread_brings_what_another_node_changed(transactional_db, two_communities, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "REGISTRY_POLL_SECONDS": 0.1}
    node = other_node()
    assert node.resolve("new.test") is None  # starts the thread

    Domain.objects.create(community=two_communities.mall, host="new.test", status="active")
    wait_until(lambda: node.resolve("new.test") is not None)
    node.stop()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL tells news")
def test_news_come_long_before_the_poll(transactional_db, two_communities, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "REGISTRY_POLL_SECONDS": 3600}
    node = other_node()
    wait_until(lambda: listeners() == 0)  # the last test's is gone
    assert node.resolve("new.test") is None
    wait_until(lambda: listeners() > 0)

    Domain.objects.create(community=two_communities.mall, host="new.test", status="active")
    wait_until(lambda: node.resolve("new.test") is not None)
    node.stop()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL tells news")
def test_poll_goes_on_where_the_news_are_cut_off(transactional_db, two_communities, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "REGISTRY_POLL_SECONDS": 0.1}
    node = other_node()
    wait_until(lambda: listeners() == 0)
    assert node.resolve("new.test") is None
    wait_until(lambda: listeners() > 0)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s AND datname = current_database()",
            [f"LISTEN {CHANNEL}"],
        )

    Domain.objects.create(community=two_communities.mall, host="new.test", status="active")
    wait_until(lambda: node.resolve("new.test") is not None)
    node.stop()


def listeners():
    """How many connections have begun to listen, and not only been told to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE query = %s AND state = 'idle' AND datname = current_database()",
            [f"LISTEN {CHANNEL}"],
        )
        return cursor.fetchone()[0]


def wait_until(condition, seconds=60):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.01)


def test_change_on_this_node_is_seen_at_commit(transactional_db, two_communities, settings):
    settings.SESSIONS_FARM_COMMUNITIES = {**settings.SESSIONS_FARM_COMMUNITIES, "REGISTRY_POLL_SECONDS": 60}
    assert registry.resolve("new.test") is None

    Domain.objects.create(community=two_communities.mall, host="new.test", status="active")
    seen = registry.resolve("new.test")
    registry.stop()
    assert seen is not None


def test_database_away_keeps_last_snapshot(db, two_communities, monkeypatch):
    node = other_node()

    def away():
        raise DatabaseError("away")

    monkeypatch.setattr(communities, "read_snapshot", away)
    node.refresh()
    assert node.resolve("a.test") is not None

    with pytest.raises(RegistryUnavailableError):
        Registry().resolve("a.test")


def test_version_rises_once_for_each_of_many_threads(transactional_db, two_communities):
    before = RegistryVersion.objects.get().number

    def change(number):
        try:
            Domain.objects.create(community=two_communities.mall, host=f"n{number}.test", status="active")
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert RegistryVersion.objects.get().number == before + 8


def test_domain_overlapping_another_communitys_wildcard_is_refused(db, two_communities):
    with pytest.raises(ValidationError, match="overlaps"):
        Domain(community=two_communities.fair, host="evil.shops.test").full_clean()
    with pytest.raises(ValidationError, match="overlaps"):
        Domain(community=two_communities.fair, host="test", kind=Domain.Kind.WILDCARD).full_clean()


@pytest.mark.parametrize("host", ["A.test", "a.test:80", "a.test.", "-a.test", "a b.test", "https://a.test", "ä.test"])
def test_domain_that_is_no_plain_host_is_refused(db, two_communities, host):
    with pytest.raises(ValidationError, match="host name in lower case"):
        Domain(community=two_communities.mall, host=host).full_clean()


def test_host_serves_as_exact_and_as_wildcard(db):
    community = make_community("mall", "mall.test", "*.mall.test")

    assert registry.hosts_of(community.pk) == ["*.mall.test", "mall.test"]
    assert registry.resolve("mall.test").is_master
    assert not registry.resolve("x.mall.test").is_master
