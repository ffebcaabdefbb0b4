"""A PostgreSQL and a Redis of one test alone, which it may restart and empty: no other test is disturbed."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from deploy.servers import binaries, postgres, processes
from deploy.servers import redis as redis_server
from tests.support.private_servers import PREFIX
from tests.support.waiting import wait_for


class OwnServers:
    """``database_url`` and ``redis_url`` stay the same over restarts."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder, self.database_url, self.redis_url = folder, database_url, redis_url
        self.successors = []

    def empty_redis(self) -> None:
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()

    def restart_database(self) -> None:
        """Restart PostgreSQL as ``pg_ctl restart -m immediate`` does: it recovers by its log."""
        pid = int((self.folder / "postgres.pid").read_text().partition("\n")[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode().split("\0")
        os.kill(pid, signal.SIGQUIT)
        wait_for(lambda: not processes.command_line(pid), "the database to be gone", 20)
        account = processes.unprivileged()
        log = self.folder / "postgres.log"
        server = processes.start(command, log=log, last_signal=postgres.STOP, account=account)
        processes.remember(server, self.folder, "postgres")
        self.successors.append(server)

    def stop_successors(self) -> None:
        for server in self.successors:
            processes.stop(server, postgres.STOP, seconds=20)


@contextmanager
def running() -> Iterator[OwnServers]:
    """Run both while the block lasts, durable as the farm's are."""
    choice = binaries.choice(os.environ.get("MALL_SERVERS", ""))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        database = binaries.find_postgres(choice, None, print)
        cache = binaries.find_redis(choice, print)
        with (
            postgres.serve(database, folder, durable=True) as database_url,
            redis_server.serve(cache, folder, durable=True) as redis_url,
        ):
            mine = OwnServers(folder, database_url, redis_url)
            try:
                yield mine
            finally:
                mine.stop_successors()
        postgres.erase(folder)
