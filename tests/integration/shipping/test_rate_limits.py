"""Limits of rate: a flood is refused and told when to come again; an honest program is never stopped, by nobody."""

import asyncio
import queue
import threading
from functools import cache

import asyncssh
import pytest
from asgiref.sync import SyncToAsync
from django.db import connections

from sessions_farm.stores.redis.redis_py import Limits
from shipping import metrics, rate_limits
from shipping.drop_folder import server
from tests.integration.shipping.test_pickup_api import HOST, ROOT, Program
from tests.integration.shipping.test_pull_programs import Books


class Clock:
    """The moment that limits see: seconds."""

    def __init__(self, monkeypatch):
        self.now = 1_000_000_060.0  # 20 seconds before the next minute
        monkeypatch.setattr(rate_limits, "wall_clock", lambda: self.now)


@pytest.fixture
def clock(monkeypatch, redis_client):
    return Clock(monkeypatch)


@pytest.fixture(autouse=True)
def fresh(monkeypatch, redis_client):
    """Nothing is counted and nobody known yet; no Redis that is slow for a moment counts as one that is away."""
    patient = Limits(answer=60, connect=60, place=60, connections=16)
    monkeypatch.setattr(rate_limits, "WAITS", patient)
    monkeypatch.setattr(rate_limits, "_client", cache(rate_limits._client.__wrapped__))
    monkeypatch.setattr(rate_limits, "REST", 3600.0)
    monkeypatch.setattr(rate_limits, "counter", rate_limits.Counter())
    monkeypatch.setattr(rate_limits, "known", rate_limits.KnownPrograms())


@pytest.fixture
def program(client, vendor, route_to):
    route_to("pull_http", {})
    return Program(client, "fowlers")


@pytest.fixture
def without_redis(settings):
    settings.CACHE_URL = "redis://127.0.0.1:1/0"


@pytest.fixture(params=["with Redis", "without"])
def either_way(request):
    if request.param == "without":
        request.getfixturevalue("without_redis")


def test_department_beyond_its_limit_is_told_when_to_come_again(either_way, program, clock, settings, make_vendor):
    settings.PICKUP_REQUESTS_A_MINUTE = 5
    answers = [program.get("/dispatches") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "20"
    assert answers[-1].json() == {
        "detail": "More than 5 requests of this department in a minute. Come again in 20 seconds."
    }
    make_vendor("thistle")
    clock.now += 20
    assert program.get("/dispatches").status_code == 200


def test_one_departments_flood_does_not_touch_another(program, clock, settings, make_vendor, route_to):
    settings.PICKUP_REQUESTS_A_MINUTE = 3
    route_to("pull_http", {}, seller=make_vendor("thistle"))
    assert [program.get("/dispatches").status_code for _ in range(4)][-1] == 429
    assert Program(program.client, "thistle").get("/dispatches").status_code == 200


def guess(program, number, path="/dispatches"):
    token = f"{program.key.token.partition('.')[0]}.guess{number}"
    return program.client.get(f"{ROOT}{path}", headers=HOST | {"authorization": f"Bearer {token}"})


def test_network_that_guesses_is_refused_before_a_key_is_looked_up(
    either_way, program, clock, settings, django_assert_num_queries, make_vendor
):
    settings.DEPARTMENT_FAILURES_A_MINUTE = 4
    guess(program, 0)
    assert [guess(program, number).status_code for number in range(5)] == [401, 401, 401, 429, 429]
    with django_assert_num_queries(0):
        assert guess(program, 9).headers["Retry-After"] == "20"
    stranger = program.client.post(f"{ROOT}/receipts", "{}", content_type="application/json", headers=HOST)
    assert stranger.status_code in {422, 429}
    clock.now += 20
    assert guess(program, 1).status_code == 401


def test_honest_program_goes_on_beside_a_neighbour_that_guesses(either_way, program, clock, settings):
    """It polls every two seconds beside a flood of guesses over one network; no answer is a 429."""
    settings.DEPARTMENT_FAILURES_A_MINUTE = 4
    statuses = set()
    for look in range(45):
        clock.now += 2
        if look % 15 == 1:
            assert [guess(program, number).status_code for number in range(6)][-1] == 429
        statuses.add(program.post("/leases", {"most": 20}).status_code)
    assert statuses == {200}


def test_forged_documents_count_against_their_network_and_no_department(program, clock, settings):
    settings.DEPARTMENT_FAILURES_A_MINUTE, settings.PICKUP_REQUESTS_A_MINUTE = 3, 50
    forged = Program(program.client, "thistle").signed(v=1, ack="csg_no")
    forged["signatures"][0]["keyid"] = program.key.key_id
    answers = [program.post("/receipts", forged, authorization="").status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    assert program.get("/dispatches").status_code == 429, "it has not signed in at this node yet"
    clock.now += 60
    assert [program.get("/dispatches").status_code for _ in range(50)] == [200] * 50


def test_counts_are_of_all_nodes_and_go_on_by_each_while_redis_is_away(clock, settings, cutter):
    first, second = rate_limits.Counter(), rate_limits.Counter()
    assert [first.add("x", 1), second.add("x", 1), first.add("x", 0)] == [1, 2, 2]
    away = cutter(None)
    settings.CACHE_URL = f"redis://127.0.0.1:{away.port}/0"
    assert [first.add("x", 1) for _ in range(3)] + [second.add("x", 1)] == [1, 2, 3, 1]
    assert away.seen == 2, "each leaves it alone for a while"


@pytest.mark.django_db(transaction=True)
def test_tool_waits_as_it_is_told_and_goes_on(
    program, live_server, tmp_path, monkeypatch, place_order, vendor, settings, redis_client
):
    """mall-pull comes a second before a new minute, and its department has used this one up."""
    settings.PICKUP_REQUESTS_A_MINUTE = 50
    refused = metrics.LIMITED.labels("vendor")._value
    before = refused.get()
    monkeypatch.setattr(rate_limits, "wall_clock", lambda: 1_000_000_079.0 + 60 * (refused.get() > before))
    rate_limits.counter.add(f"api:{vendor.pk}", 50)
    place_order(vendor)
    books = Books(tmp_path, f"http://mall.localhost:{live_server.url.rpartition(':')[2]}/ship/v1")
    assert books.run("mall_pull.py", "--database", books.database, books.url).count(": applied") == 1
    assert refused.get() == before + 1


# The drop folder


class Folder:
    """The drop folders' server in a thread, and a client with one key."""

    def __init__(self, folder):
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.files = {"host_key": folder / "mall_key", "public_key": folder / "mall_key.pub"}
        self.stopped, self.ready = threading.Event(), queue.Queue()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        self.port = self.ready.get(timeout=60)

    def serve(self):
        say = {"ready": self.ready.put, "is_stopped": self.stopped.is_set}
        asyncio.run(server.serve(host="127.0.0.1", port=0, **self.files, **say))

    def list(self, user, key=None, times=1):
        """Sign in and list inbox/ so many times; the last names."""

        async def look():
            options = {"known_hosts": None, "config": None, "client_keys": [key or self.key]}
            async with (
                asyncssh.connect("127.0.0.1", self.port, username=user, **options) as connection,
                connection.start_sftp_client() as sftp,
            ):
                for _ in range(times):
                    names = await sftp.listdir("inbox")
                return names

        return asyncio.run(look())

    def close(self):
        self.stopped.set()
        self.thread.join(60)
        SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture
def folder(tmp_path, route_to, transactional_db):
    served = Folder(tmp_path)
    route = route_to("pull_ftp", {"public_key": served.key.export_public_key().decode().strip()})
    served.user = f"fowlers.{route.department_id}"
    yield served
    served.close()


def test_drop_folder_refuses_a_flood_in_words_and_never_a_program_that_polls(
    folder, clock, settings, place_order, vendor
):
    settings.DROP_FOLDER_REQUESTS_A_MINUTE = 30
    place_order(vendor)
    with pytest.raises(asyncssh.SFTPFailure, match=r"More than 30 requests .* Come again in 20 seconds"):
        folder.list(folder.user, times=31)
    clock.now += 15
    for _ in range(8):
        clock.now += 5
        folder.list(folder.user)
    assert [name for name in folder.list(folder.user) if name.startswith("csg_")]


def test_drop_folder_hangs_up_on_a_network_that_guesses_and_not_on_its_neighbour(folder, clock, settings):
    settings.DEPARTMENT_FAILURES_A_MINUTE = 3
    folder.list(folder.user)
    wrong = asyncssh.generate_private_key("ssh-ed25519")
    for number in range(3):
        with pytest.raises(asyncssh.PermissionDenied):
            folder.list(f"guess.{number}", wrong)
    with pytest.raises(asyncssh.DisconnectError, match=r"Too many sign-ins .* have failed\. Come again in"):
        folder.list("guess.9", wrong)
    folder.list(folder.user)
    clock.now += 20
    with pytest.raises(asyncssh.PermissionDenied):
        folder.list("guess.9", wrong)
