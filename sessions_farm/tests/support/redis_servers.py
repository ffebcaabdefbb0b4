"""Redis servers of a test's own: to kill, freeze, start again and empty; with replicas and Sentinels; behind TLS.

The program is the one that serves REDIS_URL, where that runs on this machine, or one on PATH.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import redis

from sessions_farm.tests.support.ports import own_port
from sessions_farm.tests.support.stores_fixtures import REDIS_URL

# The program as a child of a shell that ends it when our end of the pipe closes, however we end.
LEASH = 'log=$1; shift; "$@" >>"$log" 2>&1 & echo $!; cat >/dev/null; kill -9 $! 2>/dev/null; wait'
# A Sentinel that did not run for two seconds does nothing for half a minute: here, for a second.
HASTE = ("INFO-PERIOD", 200, "PUBLISH-PERIOD", 200, "ASK-PERIOD", 200, "TILT-PERIOD", 1000)
# In a URL it has to be quoted. No space and no quotation mark: a Sentinel of Redis 7.0 rewrites its configuration
# without quoting the password, and does not start again with what it wrote.
PASSWORD = "servers-own/?"


@functools.cache
def program():
    """The path of redis-server, or None."""
    candidates = [shutil.which("redis-server"), shutil.which("valkey-server")]
    if REDIS_URL:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(REDIS_URL) as client:
            candidates.insert(0, client.info("server").get("executable"))
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


needs_servers = pytest.mark.skipif(
    program() is None, reason="No redis-server on this machine: install one, or let REDIS_URL be served by a local one."
)


def until(true, what, seconds=30):
    """Wait until ``true()`` is; what it raises of Redis's errors is "not yet"."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(redis.RedisError):
            if true():
                return
        time.sleep(0.02)
    pytest.fail(f"Not in {seconds} s: {what}")


class Server:
    """One redis-server (or Sentinel) on a port that stays its own when it is started again."""

    def __init__(self, folder, *config, sentinel=False):
        self.port = own_port(self)
        self.folder = Path(folder) / str(self.port)
        self.folder.mkdir()
        self.sentinel = sentinel
        self.leash = None
        common = [f"port {self.port}", "bind 127.0.0.1", f'dir "{self.folder}"']
        own = [] if sentinel else ['save ""', f'requirepass "{PASSWORD}"', f'masterauth "{PASSWORD}"']
        self.config = self.folder / "server.conf"
        self.config.write_text("\n".join([*common, *own, *config]) + "\n")

    def start(self):
        extra = ["--sentinel"] if self.sentinel else []
        command = ["sh", "-c", LEASH, "sh", str(self.folder / "log"), program(), str(self.config), *extra]
        self.leash = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        self.pid = int(self.leash.stdout.readline())
        until(self.answers, f"{self.folder}/log says why it does not start")
        if self.sentinel:
            with self.admin() as client:  # they look at each other and at the servers each 10 s otherwise
                client.execute_command("SENTINEL DEBUG", *HASTE)
        return self

    def answers(self):
        with self.admin() as client:
            return client.ping()

    def kill(self):
        """Kill -9, as a power failure would; nothing it had in memory is kept."""
        if self.leash:
            self.leash.stdin.close()
            self.leash.wait()
            self.leash.stdout.close()
            self.leash = None

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def admin(self, **options):
        """A client with every right."""
        password = None if self.sentinel else PASSWORD
        return redis.Redis(port=self.port, password=password, socket_timeout=5, decode_responses=True, **options)

    @property
    def url(self):
        return f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/0"


@contextlib.contextmanager
def running(*servers):
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.callback(server.kill)
            server.start()
        yield servers


class Service:
    """A primary, its replicas and the Sentinels that watch them, as a farm has them; ``url`` names the Sentinels."""

    NAME = "farm"

    def __init__(self, folder, *config, replicas=1, sentinels=3, sentinel_config=(), down_after_ms=400):
        self.nodes = [Server(folder, "repl-diskless-sync-delay 0", *config)]
        origin = self.nodes[0].port
        for _ in range(replicas):
            replica_of = f"replicaof 127.0.0.1 {origin}"
            self.nodes.append(Server(folder, replica_of, "repl-diskless-sync-delay 0", *config))
        watched = [
            f"sentinel monitor {self.NAME} 127.0.0.1 {origin} {sentinels // 2 + 1}",
            f'sentinel auth-pass {self.NAME} "{PASSWORD}"',
            f"sentinel down-after-milliseconds {self.NAME} {down_after_ms}",
            f"sentinel failover-timeout {self.NAME} 3000",
            *sentinel_config,
        ]
        self.sentinels = [Server(folder, *watched, sentinel=True) for _ in range(sentinels)]

    @contextlib.contextmanager
    def running(self):
        with running(*self.nodes, *self.sentinels):
            until(self.is_whole, "the Sentinels know the replicas and each other")
            yield self

    def is_whole(self):
        """Whether every Sentinel knows the others and a replica that follows the primary."""
        return all(self.knows_all(sentinel) for sentinel in self.sentinels)

    def knows_all(self, sentinel):
        with sentinel.admin() as client:
            state = client.sentinel_master(self.NAME)
            good = [each for each in client.sentinel_slaves(self.NAME) if each["master-link-status"] == "ok"]
        others = len(self.sentinels) - 1
        down = state["is_sdown"] or state["is_odown"]
        return state["num-other-sentinels"] == others and len(good) == len(self.nodes) - 1 and not down

    @property
    def primary(self):
        """The node that the Sentinels say is it."""
        with self.sentinels[0].admin() as client:
            _, port = client.sentinel_get_master_addr_by_name(self.NAME)
        return next(node for node in self.nodes if node.port == int(port))

    def heal(self):
        """Start again whoever is dead, and wait until all is as it was, but for who is the primary."""
        for server in [*self.nodes, *self.sentinels]:
            if server.leash is None:
                server.start()
        until(self.is_whole, "the Sentinels have made the old primary a replica", seconds=60)

    def replicate(self):
        """Wait until the replicas have what the primary has: a fail-over loses what they have not."""
        with self.primary.admin() as client:
            client.set("replicated", 1)
            replicas = len(self.nodes) - 1
            assert client.wait(replicas, 30_000) == replicas, "the replicas do not follow"

    def fail_over(self):
        """Have the Sentinels choose another primary while the old one lives.

        They refuse or give up while they have not heard of the replica for a moment, as on a busy machine: ask again.
        """
        old = self.primary

        def is_done():
            with self.sentinels[0].admin() as client:
                state = client.sentinel_master(self.NAME)
                if state["port"] == old.port and "failover_in_progress" not in state["flags"]:
                    client.execute_command("SENTINEL FAILOVER", self.NAME)
            return self.primary is not old

        until(is_done, "a planned fail-over")

    def url(self, login="", query=""):
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{login or f':{quote(PASSWORD, safe="")}'}@{hosts}/{self.NAME}/0{query}"


class TlsFront:
    """TLS before a server that has none (the embedded redis-server is built without), as stunnel puts it there."""

    def __init__(self, port, context):
        self.target, self.context = port, context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._carry, args=[self.listener.accept()[0]], daemon=True).start()

    def _carry(self, raw):
        self.ends.append(raw)
        with contextlib.suppress(OSError), self.context.wrap_socket(raw, server_side=True) as near:
            self.ends.append(near)
            with socket.create_connection(("127.0.0.1", self.target)) as far:
                back = threading.Thread(target=pour, args=(far, near), daemon=True)
                back.start()
                pour(near, far)
                back.join()


def pour(source, sink):
    with contextlib.suppress(OSError, ssl.SSLError, ValueError):
        while content := source.recv(65536):
            sink.sendall(content)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
