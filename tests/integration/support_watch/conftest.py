"""What the feed's tests share: a vendor with people, a clean Redis, and patience on a busy machine."""

import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
import redis
from asgiref.sync import SyncToAsync, sync_to_async
from django import db
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from sessions_farm.communities.models import Community, Domain
from sessions_farm.communities.registry import registry
from sessions_farm.web import cookies
from support_watch import keys, limits
from support_watch.feed import connections, writes
from support_watch.feed.events import Event, decode
from support_watch.feed.scripts import stream_key
from vendors.models import Marketplace, Membership, Storefront, Vendor

PATIENCE = 30  # seconds, for a busy machine


@pytest.fixture(autouse=True)
def clean_feed(redis_client, settings, monkeypatch):
    """An empty Redis, a closed breaker, and time-outs that a busy test machine cannot trip by chance."""
    settings.SUPPORT_WATCH_WRITE_TIMEOUT = PATIENCE
    monkeypatch.setattr(limits, "BEACON_TIMEOUT", PATIENCE)
    make = connections._client

    def make_patient(kind, waits):
        is_quick = waits.answer <= limits.WRITE_TIMEOUT  # a test has chosen the time-out of shoppers' pages
        return make(kind, waits if is_quick else replace(waits, answer=PATIENCE, connect=PATIENCE, place=PATIENCE))

    monkeypatch.setattr(connections, "_client", make_patient)
    fresh_clients()
    yield
    fresh_clients()


def fresh_clients():
    for link in (writes.PAGES, writes.BEACONS):
        link.client().connection_pool.disconnect()
        link.breaker.record_success()
    connections.page_client.cache_clear()
    connections.beacon_client.cache_clear()


@contextmanager
def silent_redis(raw):
    """Let no script and no write of others be answered while the block lasts; reads are, and what ends the silence."""
    raw.execute_command("CLIENT", "PAUSE", str(PATIENCE * 10_000), "WRITE")
    try:
        yield
    finally:
        raw.execute_command("CLIENT", "UNPAUSE")


@pytest.fixture
def midday(settings):
    """The shops are where it is between noon and one now, so that no day ends within the test."""
    ahead = 12 - datetime.now(UTC).hour
    settings.TIME_ZONE = f"Etc/GMT{-ahead:+d}"  # POSIX counts the hours behind Greenwich


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


@pytest.fixture
def cookie_of(place):
    """The Cookie header of a signed-in person."""

    def cookie(name):
        client = Client()
        client.force_login(place.people[name])
        member = registry.resolve("mall.localhost")
        return f"{cookies.name_for(member)}={cookies.seal(member, client.cookies['sessionid'].value)}"

    return sync_to_async(cookie)


@pytest.fixture
def signed_in(place):
    """A client of somebody who is signed in at the mall."""

    def client(name):
        client = Client(headers={"host": "mall.localhost:8000"})
        client.force_login(place.people[name])
        return client

    return client


@pytest.fixture
def make_key(place):
    """Make a key of a program: its row and its text."""

    def make(vendor=None, scopes=("events",)):
        vendor = vendor or place.vendor
        return keys.make_key(vendor_id=vendor.pk, name="till", scopes=scopes, by="owner", now=timezone.now())

    return make
