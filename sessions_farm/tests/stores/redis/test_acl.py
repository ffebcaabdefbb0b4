"""The farm's user at Redis: what it may do is all that the stores do, and nothing else."""

from __future__ import annotations

import secrets

import pytest
import redis

from sessions_farm.conf import Options
from sessions_farm.declarations import Declarations
from sessions_farm.stores.base import Append, Change, CompareAndSet, Increment, State
from sessions_farm.stores.redis.acl import NO_PASSWORD, acl_lines
from sessions_farm.stores.redis.client import COMMANDS
from sessions_farm.stores.redis.store import RedisStore
from sessions_farm.stores.tiered.store import TieredStore
from sessions_farm.tests.support.driven import Driven
from sessions_farm.tests.support.redis_servers import Server, needs_servers, running
from sessions_farm.tests.support.stores_fixtures import DECLARED, HOUR, LIFE, NOW

pytestmark = needs_servers

REFUSED = "permission|can't (access|run)"  # as Redis 7.2 says it, and 7.0
PREFIX = "farm[1]*"  # as a pattern it would be other keys


def options_at(port):
    url = f"redis://farm-user:its%20own@127.0.0.1:{port}/2"
    declared = Declarations(DECLARED)
    return Options(
        redis_url=url, redis_prefix=PREFIX, redis_timeout=5, redis_block=1, tier_poll=0, max_live=99, variables=declared
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server that has the line in its configuration, as a real one does."""
    server = Server(tmp_path_factory.mktemp("rights"))
    server.config.write_text("\n".join([server.config.read_text(), *acl_lines(options_at(server.port)), ""]))
    with running(server):
        yield server


@pytest.fixture(scope="module")
def options(server):
    return options_at(server.port)


@pytest.fixture
def limited(options):
    place = RedisStore(options)
    yield place.client
    place.connections.close()


class Watched:
    """A store that makes its steps here and notes which scripts and commands its Redis was sent."""

    def __init__(self, store, monkeypatch):
        self._store = Driven(store)
        self.place = getattr(store, "redis", store)
        self.scripts, self.commands = set(), set()
        noted(monkeypatch, self.place, "script", self.scripts)
        noted(monkeypatch, self.place, "command", self.commands)

    def __getattr__(self, name):
        return getattr(self._store, name)


def noted(monkeypatch, place, kind, names):
    """Let the place note what it is asked to send."""
    send = getattr(place, kind)

    def note(name, *arguments, **options):
        names.add(name)
        return send(name, *arguments, **options)

    monkeypatch.setattr(place, kind, note)


def new():
    return secrets.token_urlsafe(32)


def live(store, **variables):
    key = new()
    store.create(key, {"a": "1", "list": "[]", **variables}, LIFE, NOW)
    return key


def be_a_store(store):
    """Every operation on sessions and codes, with an answer that shows that it was done."""
    key, other, digest = live(store, page='"/x"'), new(), new()
    assert store.load(key, NOW).variables == {"a": "1", "list": "[]", "page": '"/x"'}
    store.apply(key, Change(put={"b": "2", "page": '"/y"'}, drop=["list"], add={"hits": 1}), NOW)
    assert store.modify(key, Increment("a", 2), NOW) == "3"
    assert store.modify(key, Append("more", "1"), NOW) == "[1]"
    assert store.modify(key, CompareAndSet("b", "2", "4"), NOW) == "4"
    assert store.load(key, NOW + HOUR // 2).state is State.LIVE  # touched
    assert store.touch(key, NOW)
    assert [found.key for found in store.get_many([key], NOW)] == [key]
    assert [found.key for found in store.find({"page": '"/y"'}, NOW, 5)] == [key]
    assert store.count(NOW) >= 1
    store.rotate(key, other, Change(put={"c": "1"}), NOW, 1000)
    assert store.load(other, NOW).variables["c"] == "1"
    assert store.load(key, NOW).in_grace
    store.delete(other, "ended", NOW)
    assert store.load(other, NOW).state is State.ENDED
    assert store.load(new(), NOW).state is State.ABSENT
    gone = live(store, page='"/z"')
    assert store.end_where("page", '"/z"', "", "ended", NOW) == 1
    assert store.load(gone, NOW).state is State.ENDED
    store.put_code(digest, "payload", 60)
    assert store.take_code(digest) == "payload"
    store.sweep(NOW + HOUR * 20, 10)


def be_a_broker(store):
    """What Redis alone does beside: events, the feed of changes, leases."""
    name, token = new(), new()
    assert store.clock() > 0
    events = store.read_events(100)
    assert {event.kind for event in events} >= {"started", "rotated"}
    store.forget_events([event.id for event in events])
    _, place = store.read_changes("page", "", 0.01)
    live(store, page='"/feed"')
    changes, _ = store.read_changes("page", place, 1)
    assert changes[0].text == '"/feed"'
    assert store.acquire(name, token, NOW, 200)
    store.wait(name, 0.3)
    assert store.release(name, token) in {True, False}
    store.scope_keys(5)


def test_the_redis_store_may_do_all_it_does(options, monkeypatch):
    store = Watched(RedisStore(options), monkeypatch)
    be_a_store(store)
    be_a_broker(store)
    assert store.scripts == set(store.place.scripts)
    # No right that nobody uses: the rest is sent by the tiers, and by every client.
    assert store.commands == set(COMMANDS) - {"ping", "info", "evalsha", "script|load"}
    store.place.connections.close()


@pytest.mark.django_db(transaction=True)
def test_the_tiered_store_may_do_all_it_does(options, monkeypatch):
    store = Watched(TieredStore(options), monkeypatch)
    monkeypatch.setattr(store.breaker, "record_failure", lambda: pytest.fail("Redis refused the farm's user."))
    be_a_store(store)
    store.place.connections.close()


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET *",
        "KEYS *",
        "SCAN 0",
        "EVAL return(1) 0",
        "SCRIPT FLUSH",
        "ACL WHOAMI",
        "CLIENT LIST",
        "SHUTDOWN",
        "REPLICAOF NO ONE",
        "MONITOR",
        "SAVE",
        "SUBSCRIBE farm[1]*:x",
        f"COPY {PREFIX}:s:x {PREFIX}:s:y",
        "SET other 1",
        "SET farm1:s:x 1",
        "SET farm[1]:s:x 1",
        "SET farm[1]xyz:s:x 1",
    ],
)
def test_nothing_else(limited, command):
    with pytest.raises(redis.exceptions.NoPermissionError):
        limited.execute_command(*command.split(" "))


def test_scripts_reach_no_other_key(limited):
    sha = limited.script_load("return redis.call('SET', 'other', 1)")
    with pytest.raises(redis.ResponseError, match=REFUSED):
        limited.evalsha(sha, 0)


def test_control_one_right_less_is_missed(server, options):
    """The line has no spare rights that would hide one that is missing."""
    (line,) = acl_lines(options)
    assert " +hset " in f"{line} "
    with server.admin() as admin:
        admin.execute_command("ACL", "SETUSER", *line.split(" ")[1:], "-hset")
        try:
            with pytest.raises(redis.ResponseError, match=REFUSED):
                live(Driven(RedisStore(options)))
        finally:
            admin.execute_command("ACL", "SETUSER", *line.split(" ")[1:])


def test_password_is_not_in_the_lines(options):
    lines = acl_lines(
        Options(redis_url="redis+sentinel://anna:hidden@one/mall?sentinel_username=bob&sentinel_password=veiled")
    )
    assert [line.split(" ")[1] for line in lines] == ["anna", "bob"]
    assert not any(word in line for word in ("hidden", "veiled") for line in lines)
    assert NO_PASSWORD in acl_lines(Options(redis_url="redis://one"))[0]
