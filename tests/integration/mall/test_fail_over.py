"""One Redis behind Sentinels for everything: its primary dies, and sessions, feed, cache and worker find the next."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from django.core.cache import caches
from django.test import override_settings
from kombu.exceptions import OperationalError
from redis import RedisError

from deploy.demo.stack import PROJECT
from deploy.farm.credentials import ACL, digest_of
from mall import cache as mall_cache
from mall import dependencies, queues
from mall.queues import depth_of
from sessions_farm.testing.browser import BrowserClient
from sessions_farm.testing.wire import Wire
from sessions_farm.tests.support.redis_servers import PASSWORD, Service, needs_servers, until
from shipping import rate_limits
from support_watch import limits
from support_watch.feed import connections, reads, writes
from support_watch.feed.writes import FeedUnavailableError, Page
from support_watch.hub import Hub
from support_watch.topics import EventMessage, Lagged
from tests.support.marking_task import mark
from tests.support.nodes import running_nodes
from tests.support.shop import MASTER, make_shop
from tests.support.waiting import wait_for
from vendors import task_queue

pytestmark = [needs_servers, pytest.mark.timeout(240)]

VENDOR = 7
LOGIN = "mall:its%20own"
PAGE = Page("/support/", "help page")


@pytest.fixture(scope="module")
def service(tmp_path_factory, scale):
    """The mall's user has the rights of the farm's. Where nobody is killed, a pause of the machine is no death."""
    user = ACL.format(digest=digest_of("its own"), more="").splitlines()[1]
    noticed = {} if scale > 1 else {"down_after_ms": 120_000}
    service = Service(tmp_path_factory.mktemp("service"), user, **noticed)
    with service.running():
        yield service


@pytest.fixture
def farm(service, settings):
    """The mall's settings, with that service for everything."""
    service.heal()
    url = service.url(LOGIN)
    queue = task_queue.configured(url)
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | queue["options"]
    caches_of_its_own = {"default": settings.CACHES["default"] | {"LOCATION": [url]}}
    with override_settings(
        REDIS_URL=url,
        CACHE_URL=url,
        CACHES=caches_of_its_own,
        SESSIONS_FARM=settings.SESSIONS_FARM | {"REDIS_URL": url},
        CELERY_BROKER_URL=queue["url"],
        CELERY_BROKER_TRANSPORT_OPTIONS=options,
        SUPPORT_WATCH_WRITE_TIMEOUT=1,
    ):
        fresh_feed()
        yield service
        fresh_feed()
        caches["default"].client.get_client().connection_pool.disconnect()


def fresh_feed():
    for link in (writes.PAGES, writes.BEACONS):
        link.client().connection_pool.disconnect()
        link.breaker.record_success()
    connections.page_client.cache_clear()
    connections.beacon_client.cache_clear()


def arrive(visit):
    return writes.arrive(vendor_id=VENDOR, visit=visit, tab="t", aliases=[f"a-{visit}"], page=PAGE)


def send(file, word, seconds=1):
    """Send a task as the mall does; return whether it was acknowledged."""
    try:
        with task_queue.connect(seconds) as connection:
            mark.apply_async((str(file), word), connection=connection, retry=False)
    except (RedisError, OperationalError, OSError):
        return False
    return True


@pytest.fixture
def patient(farm, settings, monkeypatch):
    """Every part waits longer than a page may, and all that is counted falls into one minute."""
    waits = {"answer": 60, "connect": 60, "place": 60}
    for module in (mall_cache, dependencies, rate_limits):
        monkeypatch.setattr(module, "WAITS", replace(module.WAITS, **waits))
    monkeypatch.setattr(queues, "SECONDS", 60)
    monkeypatch.setattr(rate_limits, "wall_clock", lambda: 1_800_000_000)
    own = settings.SESSIONS_FARM | {"REDIS_TIMEOUT": 60}
    with override_settings(SESSIONS_FARM=own, SUPPORT_WATCH_WRITE_TIMEOUT=60):
        yield


def test_every_part_speaks_to_the_primary_that_the_sentinels_name(farm, patient, tmp_path):
    cache = caches["default"]
    cache.set("answer", 42, 60)
    assert cache.get("answer") == 42
    dependencies.look_at_redis()
    dependencies.look_at_cache()
    before = depth_of("celery")
    assert send(tmp_path / "marks", "one", seconds=60)
    assert depth_of("celery") == before + 1
    assert arrive("one")
    assert [rate_limits.Counter().add("somebody", 1) for _ in range(2)] == [1, 2]
    with farm.primary.admin() as client:
        assert client.keys("department-limit:somebody:*")
        assert client.keys("*:cache:*") or client.keys("cache:*")
        assert client.exists("celery", f"{{watch:{VENDOR}}}:events") == 2
        client.delete("celery")


def test_cache_and_probes_answer_again_after_a_kill(farm, at_proof):
    cache = caches["default"]
    cache.set("answer", 42, 60)
    farm.replicate()
    begun = time.monotonic()
    farm.primary.kill()
    assert cache.get("answer") is None  # a miss, and no error
    until(lambda: cache.get("answer") == 42, "the cache answers with what it had")
    print(f"cache after {time.monotonic() - begun:.1f} s")  # noqa: T201 -- a figure
    dependencies.look_at_redis()
    dependencies.look_at_cache()


def test_tasks_that_were_acknowledged_are_done_by_the_same_worker(farm, settings, tmp_path, at_proof):
    marks, url = tmp_path / "marks", farm.url(LOGIN)
    marks.touch()
    command = [sys.executable, "-m", "celery", "--app", "mall", "worker", "--pool", "solo", "--without-mingle"]
    own = {"REDIS_URL": url, "BROKER_URL": url, "CACHE_URL": url, "HEARTBEAT_FILE": str(tmp_path / "heartbeat")}
    sent, failed = [], 0
    with running_worker([*command, "-I", "tests.support.marking_task"], own, tmp_path / "log", settings) as worker:
        assert send(marks, "first")
        wait_for(lambda: "first" in marks.read_text(), f"{tmp_path}/log to say why nothing is done", 60)
        for number in range(60):
            if number == 20:
                farm.replicate()
                farm.primary.kill()
            if send(marks, f"{number}"):
                sent.append(f"{number}")
            else:
                failed += 1
            time.sleep(0.1)
        until(lambda: set(sent) <= set(marks.read_text().split()), "every acknowledged task is done", seconds=60)
        print(f"{len(sent)} tasks sent and done, {failed} not taken")  # noqa: T201 -- a figure
        assert worker.poll() is None
    assert len(sent) > 30


class running_worker:  # noqa: N801 -- reads as the function that it is
    """A worker of the mall while the block lasts."""

    def __init__(self, command, environment, log, settings):
        keys = {"SECRET_KEY": settings.SECRET_KEY, "DJANGO_SETTINGS_MODULE": "mall.settings"}
        self.log = log.open("w")
        self.process = subprocess.Popen(
            command, cwd=PROJECT, env=os.environ | keys | environment, stdout=self.log, stderr=self.log
        )

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


async def collected(hub, subscriber, wanted, seconds=20):
    """The visits that a screen came to know of: by events, and by what it reads where it is told to begin anew."""
    known, resyncs = set(), 0
    async with asyncio.timeout(seconds):
        while not wanted <= known:
            message = await subscriber.queue.get()
            if isinstance(message, EventMessage):
                known.add(message.event["visit"])
            elif isinstance(message, Lagged):
                resyncs += 1
                async with connections.hub_client() as client:
                    known |= {each["visit"] for each in (await reads.snapshot(client, VENDOR)).present}
    return resyncs


async def arrived(visits, seconds=20):
    """Let visits arrive, each as soon as the feed takes it."""
    for visit in visits:
        async with asyncio.timeout(seconds):
            while True:
                try:
                    await asyncio.to_thread(arrive, visit)
                    break
                except FeedUnavailableError:
                    writes.PAGES.breaker.record_success()
                    await asyncio.sleep(0.05)


async def test_no_acknowledged_event_is_missed(transactional_db, farm, at_proof):
    hub = Hub()
    subscriber = await hub.subscribe(VENDOR)
    before, after = {f"b{number}" for number in range(20)}, {f"a{number}" for number in range(20)}
    await arrived(before)
    await asyncio.to_thread(farm.replicate)
    await asyncio.to_thread(farm.primary.kill)
    await arrived(after)
    await collected(hub, subscriber, before | after)
    await hub.unsubscribe(subscriber)


async def test_events_after_lost_ones_are_not_taken_for_them(transactional_db, farm, monkeypatch, at_proof):
    """The replica lacks the last events and gives their numbers away before the hub looks at the stream's position."""
    monkeypatch.setattr(limits, "SWEEP_SECONDS", 4)
    hub = Hub()
    subscriber = await hub.subscribe(VENDOR)
    await arrived(["before"])
    await asyncio.to_thread(farm.replicate)
    old = farm.primary
    replica = next(node for node in farm.nodes if node is not old)
    with replica.admin() as at_replica, old.admin() as at_primary:
        at_replica.config_set("masterauth", "another")  # it comes back no more
        at_primary.client_kill_filter(_type="replica")
        await arrived(["lost1", "lost2"])
        await collected(hub, subscriber, {"lost1", "lost2"})
        await asyncio.to_thread(old.kill)
        at_replica.config_set("masterauth", PASSWORD)
    await arrived(["after1", "after2", "after3"])
    assert await collected(hub, subscriber, {"after1", "after2", "after3"}) >= 1
    await hub.unsubscribe(subscriber)


@pytest.mark.django_db(transaction=True)
def test_pages_go_on_and_no_node_restarts(farm, at_proof):
    make_shop()
    url = farm.url(LOGIN)
    statuses = []
    with running_nodes(1, REDIS_URL=url, CACHE_URL=url, BROKER_URL=url) as nodes:
        pid = nodes.pids["web1"]
        browser = BrowserClient(transport=Wire(nodes.port, forwarded_proto="https"))
        kill = threading.Timer(2, farm.primary.kill)
        kill.start()
        until_then = time.monotonic() + 8
        while time.monotonic() < until_then:
            statuses.append(browser.get(nodes.url(MASTER)).status_code)
            time.sleep(0.05)
        kill.join()
        assert nodes.pids["web1"] == pid
    print(f"{len(statuses)} pages: {sorted(set(statuses))}")  # noqa: T201 -- a figure
    assert set(statuses) == {200}
