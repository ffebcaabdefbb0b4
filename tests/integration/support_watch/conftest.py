"""What the feed's tests share: a vendor with people, a clean Redis, and patience on a busy machine."""

import os
from dataclasses import dataclass, field

import pytest
import redis
from asgiref.sync import SyncToAsync
from django import db
from django.contrib.auth import get_user_model

from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from support_watch.feed import connections, writes
from support_watch.feed.events import Event, decode
from support_watch.feed.scripts import stream_key
from vendors.models import Marketplace, Membership, Storefront, Vendor


@pytest.fixture(autouse=True)
def clean_feed(redis_client, settings):
    """An empty Redis, a closed breaker, and a write time-out that a busy test machine cannot trip by chance."""
    settings.SUPPORT_WATCH_WRITE_TIMEOUT = 3
    fresh_clients()
    yield
    fresh_clients()


def fresh_clients():
    for link in (writes.PAGES, writes.BEACONS):
        link.client().connection_pool.disconnect()
        link.breaker.record_success()
    connections.page_client.cache_clear()
    connections.beacon_client.cache_clear()


@pytest.fixture
def raw():
    """A plain connection to the run's Redis that decodes its answers."""
    with redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, protocol=2) as client:
        yield client


@dataclass
class Place:
    """One community with a vendor on a host of its own and one on the master's path."""

    community: Community
    vendor: Vendor
    other: Vendor
    people: dict = field(default_factory=dict)


@pytest.fixture
def place(transactional_db):
    community = Community.objects.create(slug="mall", name="The Mall", cookie_name="mall", handoff_policy="eager")
    community.master = Domain.objects.create(community=community, host="mall.localhost", status="active")
    community.save()
    own = Domain.objects.create(community=community, host="fowlers.localhost", status="active")
    marketplace = Marketplace.objects.create(community=community)
    vendor = Vendor.objects.create(
        marketplace=marketplace,
        name="Fowler’s",
        slug="fowlers",
        status=Vendor.Status.PUBLISHED,
        support_text="Ring us between **nine and five**.",
        support_email="help@fowlers.example",
    )
    Storefront.objects.create(vendor=vendor, domain=own)
    other = Vendor.objects.create(
        marketplace=marketplace, name="Quill & Co", slug="quill", status=Vendor.Status.PUBLISHED
    )
    Storefront.objects.create(vendor=other)
    registry.refresh()
    here = Place(community, vendor, other)
    for name, of, role in (
        ("owner", vendor, "owner"),
        ("support", vendor, "support"),
        ("packer", vendor, "orders"),
        ("rival", other, "owner"),
    ):
        here.people[name] = get_user_model().objects.create_user(f"{name}@example.org", "mall-demo")
        Membership.objects.create(vendor=of, user=here.people[name], role=role)
    here.people["chief"] = get_user_model().objects.create_superuser("chief@example.org", "mall-demo")
    here.people["nobody"] = get_user_model().objects.create_user("nobody@example.org", "mall-demo")
    yield here
    registry.forget()
    # Async code reached the database from this thread; its connection would keep the test database from being dropped.
    SyncToAsync.single_thread_executor.submit(db.connections.close_all).result()


@pytest.fixture
def events_of(raw):
    """What the stream of a vendor holds."""

    def read(vendor_id) -> list[Event]:
        return [decode(vendor_id, entry_id, fields) for entry_id, fields in raw.xrange(stream_key(vendor_id))]

    return read
