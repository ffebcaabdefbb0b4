"""Departments that hang, each in its own way: their neighbours' goods go out meanwhile, and each hang ends."""

import os
import re
import signal
import socket
import subprocess
import threading
import time
from datetime import timedelta

import asyncssh
import pytest
from asgiref.sync import async_to_sync
from django.conf import settings
from django.utils import timezone

from deploy.demo import stack
from mall.tasks import sweep_checkouts, sweep_sessions
from shipping import egress, runner, tasks
from shipping.models import Attempt, Dispatch, Route
from shipping.runner import drain
from shipping.transports import CLASSES, get_transport
from shipping.transports.base import PushTransport
from tests.support import hanging
from tests.support.nodes import url_of_test_database
from vendors.nudge import Nudge

DEAD = [f"127.0.0.{last}" for last in range(2, 8)]


@pytest.fixture
def peers():
    made = hanging.HangingPeers()
    yield made
    made.stop()


@pytest.fixture
def name_server(monkeypatch):
    """A name with six dead addresses, and one whose server does not answer until this is set."""
    answers, real = threading.Event(), socket.getaddrinfo

    def look_up(host, port, *arguments, **options):
        if host == "six.example":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in DEAD]
        if host == "slow.example":
            answers.wait(60)
            raise OSError("no such name")
        return real(host, port, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    yield answers
    answers.set()


@pytest.fixture
def dark_routes(peers, scripted):
    """Transport, config and secrets of every kind of department that hangs."""
    silent = peers.start(hanging.silent)
    host_key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    http = {"secret": scripted.secret}

    def mail(port, host="127.0.0.1"):
        return "email", {"to": "a@b.example", "smtp_host": host, "smtp_port": port}, {}

    sftp = {"host": "127.0.0.1", "port": silent, "user": "x", "host_key": host_key}
    return {
        "endless greeting": mail(peers.start(hanging.endless_greeting)),
        "silent mail server": mail(silent),
        "dripping mail server": mail(peers.start(hanging.drip_greeting)),
        "dripping answer": ("http", {"url": f"http://127.0.0.1:{peers.start(hanging.drip)}/"}, http),
        "six dead addresses": ("http", {"url": f"http://six.example:{peers.deaf_port}/"}, http),
        "six dead addresses by mail": (
            "email",
            {"to": "a@b.example", "smtp_host": "six.example", "smtp_port": peers.deaf_port},
            {},
        ),
        "slow name server": ("http", {"url": "http://slow.example/"}, http),
        "slow name server by SFTP": ("sftp", sftp | {"host": "slow.example"}, {"password": "x"}),
        **{f"dark {number}": ("http", {"url": f"http://127.0.0.1:{silent}/"}, http) for number in range(8)},
        **{f"silent SFTP {number}": ("sftp", sftp, {"password": "x"}) for number in range(2)},
    }


def place_with(ways, make_vendor, route_to, place, count):
    """Place orders with a vendor for each way."""
    for number, way in enumerate(ways.values()):
        seller = make_vendor(f"dark{number}")
        route_to(*way, seller=seller)
        for _ in range(count):
            place(seller)


def pushing():
    return [each for each in map(get_transport, CLASSES) if issubclass(each, PushTransport)]


def set_deadlines(monkeypatch, seconds):
    for transport in pushing():
        monkeypatch.setattr(transport, "deadline", timedelta(seconds=seconds))
    monkeypatch.setattr(egress, "DIAL_SECONDS", seconds / 6)


def test_neighbours_of_departments_that_hang_do_not_wait(
    dark_routes, make_vendor, route_to, place_order, scripted, peers, name_server, monkeypatch
):
    """The hangs end when the last order of the neighbours has been taken, and not before."""
    set_deadlines(monkeypatch, 60)
    now = timezone.now()
    place_with(dark_routes, make_vendor, route_to, lambda seller: place_order(seller, now=now - timedelta(hours=1)), 6)
    scripted.answers = [scripted.ack()]
    neighbours = [make_vendor(f"neighbour{number}") for number in range(3)]
    for seller in neighbours:
        route_to("http", {"url": scripted.url}, {"secret": scripted.secret}, seller=seller)
        for _ in range(5):
            place_order(seller, now=now)
    # Half of each kind worked yesterday, and so get as many slots as one that works; the others are new.
    half = [pk for pk in Route.objects.values_list("pk", flat=True) if pk % 2]
    Route.objects.filter(pk__in=half).update(last_ok_at=now - timedelta(days=1))
    # They wait for acknowledgements too, and those are looked for under the same slots.
    Dispatch.objects.filter(pk__in=Dispatch.objects.filter(route__transport="sftp").values("pk")[:3]).update(
        state="sent", next_at=now + timedelta(days=1)
    )
    hung = []

    def may_claim():
        """End the hangs once the neighbours' orders are there."""
        if len(scripted.requests) < 15:
            return True
        if not hung:
            hung.extend({work.item.route.pk for work in worker.working})
            monkeypatch.setattr(egress, "DIAL_SECONDS", 0.1)
            name_server.set()
            peers.release()
        return False

    worker = runner.Runner()
    async_to_sync(worker.run)(may_claim=may_claim)

    theirs = Attempt.objects.filter(route__department__vendor__in=neighbours)
    assert theirs.filter(outcome="acked").count() == 15
    assert len(hung) >= len(dark_routes), "the control: a department did not hang"
    dark = Attempt.objects.exclude(route__department__vendor__in=neighbours)
    assert set(dark.values_list("outcome", flat=True)) == {"retry"}
    assert dark.values("route").distinct().count() == len(dark_routes)


def test_each_hang_ends_at_its_deadline(dark_routes, make_vendor, route_to, place_order, name_server, monkeypatch):
    set_deadlines(monkeypatch, 1)
    place_with(dark_routes, make_vendor, route_to, place_order, 1)
    begun = time.monotonic()
    assert drain(now=timezone.now()) == {"retry": len(dark_routes)}  # at one moment, so that none is due again
    assert time.monotonic() - begun < 30, "the name server alone hangs for sixty"


@pytest.fixture
def celery_worker(tmp_path, settings, redis_client, monkeypatch):
    """The demo's worker, for all queues; yields a function that reads its log."""
    monkeypatch.setattr("vendors.nudge.SOCKET_SECONDS", 60)  # each message counts here
    settings.CELERY_BROKER_URL = os.environ["REDIS_URL"]
    log = tmp_path / "worker.log"
    command = [*stack.CELERY, "worker", "--loglevel", "INFO", "--concurrency", "2", "--without-mingle"]
    environment = os.environ | {
        "DATABASE_URL": url_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "mall.settings",
        "DB_POOL": "0",
        "EGRESS_ALLOW": "127.0.0.0/8",
        "LOG_FORMAT": "plain",
    }
    with log.open("w") as output:
        worker = subprocess.Popen(
            [*command, "-Q", "celery,jobs,dispatch"],
            cwd=stack.PROJECT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    yield log.read_text
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait(20)


@pytest.mark.django_db(transaction=True)
def test_sweeps_of_checkouts_and_sessions_run_beside_drains_that_hang(
    dark_routes, make_vendor, route_to, place_order, scripted, celery_worker, wait_until
):
    """No dispatchd: a worker drains, its sends hang, and more drains wait than it has processes, with work for each."""
    more = [dark_routes["dark 0"]] * (2 * runner.TROUBLED_SLOTS)
    for number, way in enumerate([*dark_routes.values(), *more]):
        seller = make_vendor(f"dark{number}")
        route_to(*way, seller=seller)
        place_order(seller)
    Route.objects.update(failures=1)  # so that a drain takes a few of them at once
    scripted.answers = [scripted.ack()]
    neighbour = make_vendor("neighbour")
    route_to("http", {"url": scripted.url}, {"secret": scripted.secret}, seller=neighbour)
    place_order(neighbour)
    for _ in range(4):
        Nudge().send(tasks.drain_outbox, ())
    wait_until(lambda: Dispatch.objects.filter(state="sending").count() >= runner.TROUBLED_SLOTS, 60)
    for sweep in [sweep_checkouts, sweep_sessions] * 3:
        Nudge().send(sweep, ())
    wait_until(lambda: len(re.findall(r"Task mall\.sweep_(?:checkouts|sessions)\[.* succeeded", celery_worker())) == 6)
    wait_until(lambda: Dispatch.objects.get(consignment__vendor=neighbour).state == "acked")
    assert Dispatch.objects.filter(state="sending").exists(), "the control: nothing hangs any more"


def test_celery_only_wakes_and_never_holds_another_queue():
    """Sweeps of checkouts and sessions wait in a queue of their own; each drain ends by itself, or is ended."""
    task = tasks.drain_outbox
    assert settings.CELERY_TASK_ROUTES["shipping.*"] == {"queue": "dispatch"}
    longest = max(transport.deadline for transport in pushing())
    assert (runner.BUDGET + longest).total_seconds() + runner.GRACE < task.soft_time_limit < task.time_limit
