"""The private servers of laptop and tests: they start, keep what they were given, and go."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from deploy import servers
from deploy.servers import binaries, postgres, processes
from deploy.servers.embedded import PROJECT
from tests.support.waiting import wait_for

SERVE = """
import json, sys
from pathlib import Path
from deploy import servers
with servers.running(Path(sys.argv[1]), durable=True, say=lambda line: None) as mine:
    print(json.dumps([mine.database_url, mine.redis_url, mine.took]), flush=True)
    sys.stdin.read()
"""


class Parent:
    """A process that runs servers in a folder, as the demo and the tests do."""

    def __init__(self, folder: Path, **environment: str):
        unset = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=unset | environment,
        )
        self.folder = folder
        self.database_url, self.redis_url, self.took = json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(120) == 0

    @property
    def children(self) -> list[int]:
        return [int((self.folder / f"{name}.pid").read_text().split()[0]) for name in ("postgres", "redis")]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def write(self, word: str):
        with psycopg.connect(self.database_url) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS words (word text)")
            connection.execute("INSERT INTO words VALUES (%s)", [word])
        with redis.Redis.from_url(self.redis_url) as client:
            client.rpush("words", word)
            # It answers before it writes its append-only file where the disk is busy.
            wait_for(lambda: not client.info("persistence")["aof_buffer_length"], "Redis to write its file")

    def read(self) -> tuple[list[str], list[str]]:
        with psycopg.connect(self.database_url) as connection, redis.Redis.from_url(self.redis_url) as client:
            rows = connection.execute("SELECT word FROM words ORDER BY word").fetchall()
            return [word for (word,) in rows], [word.decode() for word in client.lrange("words", 0, -1)]


def gone(pids: list[int], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(processes.command_line(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "servers"
    servers.erase(tmp_path / "servers")


@pytest.fixture
def programs_on_path(tmp_path, monkeypatch):
    """A machine that has both servers: where this one lacks any, the package's stands in on PATH."""
    links = tmp_path / "programs"
    links.mkdir()
    if not shutil.which("redis-server") and not shutil.which("valkey-server"):
        (links / "redis-server").symlink_to(binaries.find_redis(("embedded",), print).server)
    if not binaries.postgres_folders():
        packaged = binaries.find_postgres(("embedded",), None, print)
        for name in ("postgres", "initdb"):
            (links / name).symlink_to(packaged.folder / name)
    monkeypatch.setenv("PATH", f"{links}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("programs_on_path")
@pytest.mark.parametrize("place", ["path", "embedded"])
def test_servers_kept_over_stop_and_kill(folder, place):
    with Parent(folder, MALL_SERVERS=place) as parent:
        assert ("out of a package" in parent.took) is (place == "embedded")
        parent.write("a")
        children = parent.children
        assert not gone(children, 0.1)
    assert gone(children)

    parent = Parent(folder, MALL_SERVERS=place)
    parent.write("b")
    children = parent.children
    parent.kill()
    if sys.platform.startswith("linux"):
        assert gone(children)

    with Parent(folder, MALL_SERVERS=place) as parent:
        assert parent.read() == (["a", "b"], ["a", "b"])


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's server reads what the user reads")
def test_programs_below_roots_home_are_copied(folder, tmp_path):
    """The package lies where only root may go, as in a checkout below /root."""
    found = binaries.find_postgres(("embedded",), None, print)
    private = tmp_path / "private" / "site-packages"
    shutil.copytree(found.tree, private, symlinks=True)
    private.parent.chmod(0o700)
    hidden = replace(found, tree=private, folder=private / found.folder.relative_to(found.tree))
    assert not hidden.run_as(processes.unprivileged())
    folder.mkdir()
    with postgres.serve(hidden, folder, durable=False) as url, psycopg.connect(url) as connection:
        assert connection.info.server_version // 10000 == found.major


def test_crashed_servers_start_again(folder):
    parent = Parent(folder)
    parent.write("a")
    with psycopg.connect(parent.database_url) as connection:
        helpers = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")]
    for pid in parent.children:
        os.kill(pid, signal.SIGKILL)
    parent.kill()
    assert gone(helpers)  # they end by themselves, and hold the data until then
    with Parent(folder) as parent:
        assert parent.read() == (["a"], ["a"])


def test_leftovers_ended_at_next_start(folder):
    folder.mkdir(parents=True)
    leftover = subprocess.Popen(["sleep", "60"], start_new_session=True)
    bystander = subprocess.Popen(["sleep", "61"], start_new_session=True)
    processes.remember(leftover, folder, "redis")
    (folder / "postgres.pid").write_text(f"{bystander.pid}\n-D {folder}/postgres")  # its number was given to another
    processes.stop_leftovers(folder)
    assert leftover.wait(5)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_folder_in_use_refused(folder):
    with (
        Parent(folder) as parent,
        pytest.raises(servers.ServerError, match=f"Process {parent.process.pid} already"),
    ):
        servers.erase(folder)


def test_given_servers_used(monkeypatch, folder):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/mall")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/0")
    with servers.running(folder, durable=False, say=pytest.fail) as mine:
        assert (mine.database_url, mine.redis_url) == ("postgres://elsewhere/mall", "redis://elsewhere/0")
    assert not folder.exists()


def test_missing_server_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(servers.ServerError, match="Install Redis 7 or newer"):
        binaries.find_redis(("path",), pytest.fail)


def test_data_of_another_version_refused():
    with pytest.raises(servers.ServerError, match=r"version 9's.*(\n.*)*demo-reset"):
        binaries.find_postgres(("path",), 9, pytest.fail)


def test_unknown_place_refused():
    with pytest.raises(servers.ServerError, match="MALL_SERVERS=cloud is unknown"):
        binaries.choice("cloud")
