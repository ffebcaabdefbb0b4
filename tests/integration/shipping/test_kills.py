"""The proof at full size: workers killed, Redis emptied, the database restarted; nothing is lost, or worked twice.

The control carries the same work by a Celery task a consignment, and loses some of it to the same kill.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from deploy.demo.stack import PROJECT
from sessions_farm.tests.support.scale import counted
from shipping import tasks
from shipping.models import Dispatch
from shipping.runner import drain
from tests.support import counting_department, own_servers
from tests.support.counting_department import SECRET, Faults
from tests.support.dispatch_world import World
from tests.support.dispatchd_nursery import Nursery
from vendors.nudge import Nudge

COUNT, KILLS, FLUSHES = 20_000, 40, 3
VENDORS, WORKERS = 20, 4
MOST_SENDS = 1.3  # of an item; one in 0.85 is what the department's own faults make necessary
UNDER_KILLS = 0.9  # of the work is done while workers are killed

pytestmark = [pytest.mark.timeout(300)]  # times SCALE


@pytest.fixture
def at_size(scale):
    if scale == 1:
        pytest.skip("Killed workers are shown small in test_claims.py: make prove.")
    return counted(COUNT, scale)


@pytest.fixture
def servers(at_size, transactional_db, monkeypatch):
    """Servers of this test's own, with the mall's tables; this process is connected to them."""
    with own_servers.running() as mine, monkeypatch.context() as elsewhere:
        url = urlsplit(mine.database_url)
        place = {"HOST": url.hostname, "PORT": url.port, "USER": url.username, "PASSWORD": url.password, "NAME": "mall"}
        connection.close()
        for name, value in place.items():
            elsewhere.setitem(connection.settings_dict, name, value)
        elsewhere.setattr(settings, "CELERY_BROKER_URL", mine.redis_url)
        call_command("migrate", verbosity=0)
        yield mine
        connection.close()


@pytest.fixture
def nursery(servers):
    """Workers on those servers; they know of no broker."""
    away = "redis://127.0.0.1:1/0"
    nursery = Nursery(
        os.environ
        | {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": away,
            "BROKER_URL": away,
            "DJANGO_SETTINGS_MODULE": "mall.settings",
            "SECRET_KEY": settings.SECRET_KEY,
            "DB_POOL": "0",
            "EGRESS_ALLOW": "127.0.0.0/8",
        }
    )
    yield nursery
    nursery.close()


def acked():
    return Dispatch.objects.filter(state="acked").count()


def in_hand(worker):
    return Dispatch.objects.filter(state="sending", lease_owner__endswith=f":{worker}").count()


def is_answering():
    """Return whether the database is back."""
    try:
        connection.close()
        connection.ensure_connection()
    except DatabaseError:
        return False
    return True


def test_kills_and_restarts_lose_nothing_and_double_nothing(at_size, servers, nursery, wait_until):
    cut_off, kills = 0, max(KILLS * at_size // COUNT, FLUSHES)
    with counting_department.running(Faults(busy=0.05, lost=0.1)) as department:
        world = World(VENDORS, department.url, SECRET)
        world.write(at_size)
        workers = [nursery.start() for _ in range(WORKERS)]
        for kill in range(1, kills + 1):
            wait_until(lambda part=kill: acked() >= UNDER_KILLS * part * at_size / kills, 300)
            victim = workers.pop(0)
            wait_until(lambda worker=victim: in_hand(worker), 300)  # the others may take all for a while
            nursery.end(victim, signal.SIGKILL)
            cut_off += in_hand(victim)
            workers.append(nursery.start())
            Nudge()(tasks.drain_outbox)
            if kill % (kills // FLUSHES) == 0:
                servers.empty_redis()
            if kill == kills // 2:
                servers.restart_database()
                wait_until(is_answering, 60)
        wait_until(lambda: acked() > 0.99 * at_size, 300)
        for worker in workers:
            assert nursery.end(worker, signal.SIGTERM) == 0
        finish()
        books = department.books()
    arrivals = books.arrivals.total()
    print(f"{at_size} consignments, {cut_off} cut off; {arrivals} arrivals, {books.busy} × 503")  # noqa: T201 -- figures
    assert cut_off, "the control: no worker was killed with work in hand, so this test shows nothing"
    assert (len(books.jobs), books.jobs.total(), books.forged) == (at_size, at_size, 0), "lost, or worked twice"
    assert max(books.arrivals.values()) > 1, "the control: some did arrive twice"
    assert (arrivals + books.busy) / at_size <= MOST_SENDS


def finish():
    """Let the hours of the schedule pass."""
    hours = 0
    while Dispatch.objects.exclude(state="acked").exists():
        assert hours < 100, Counter(Dispatch.objects.values_list("state", flat=True))
        drain(now=timezone.now() + timedelta(hours=hours))
        hours += 3


@pytest.fixture
def celery_worker(tmp_path, redis_url):
    """Start a worker of the control."""
    environment = os.environ | {"REDIS_URL": redis_url}
    command = [sys.executable, "-m", "celery", "-A", "tests.support.task_a_consignment", "worker"]
    command += ["--pool", "solo", "--loglevel", "ERROR", "--without-mingle", "--without-gossip", "--without-heartbeat"]
    started = []

    def start(**changes):
        output = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen(command, cwd=PROJECT, env=environment | changes, **output))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait(20)


@pytest.fixture
def redis_url():
    """A database of the run's Redis that nothing else uses."""
    url = os.environ["REDIS_URL"]
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


def test_control_a_task_a_consignment_is_lost_by_a_kill(at_size, redis_url, celery_worker, tmp_path, wait_until):
    """The worker is killed where the message is off the list and not yet noted: no other worker ever hears of it."""
    barrier = tmp_path / "barrier"
    send_tasks(redis_url, 20)
    victim = celery_worker(BARRIER=str(barrier))
    wait_until(barrier.exists, 60)
    victim.kill()
    victim.wait(20)
    celery_worker()
    with redis.Redis.from_url(redis_url) as client:
        wait_until(lambda: client.llen("delivered") >= 19, 60)
        with pytest.raises(AssertionError, match="did not come true"):
            wait_until(lambda: client.llen("delivered") >= 20, 6)  # three times the time after which it comes again
        assert not client.exists("celery", "unacked")


def send_tasks(redis_url, count):
    program = f"from tests.support.task_a_consignment import send; send({count})"
    command = [sys.executable, "-c", program]
    subprocess.run(command, cwd=PROJECT, env=os.environ | {"REDIS_URL": redis_url}, check=True, timeout=60)
