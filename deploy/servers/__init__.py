"""Real PostgreSQL and Redis for a laptop, the tests and the benchmarks: what is there is used, else one is started.

In this order, and ``Servers.took`` says which: the addresses in DATABASE_URL and REDIS_URL; servers found on the
machine, started privately; servers out of packages (deploy.servers.embedded). ``MALL_SERVERS=path`` or ``embedded``
holds the choice to one of the last two.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.servers import binaries, postgres, redis
from deploy.servers.processes import ServerError, locked, stop_leftovers

__all__ = ["ServerError", "Servers", "erase", "running"]


@dataclass(frozen=True)
class Servers:
    database_url: str
    redis_url: str
    took: str  # one line for people: where each comes from


@contextmanager
def running(folder: Path, *, durable: bool, say: Callable[[str], None]) -> Iterator[Servers]:
    """Serve a PostgreSQL and a Redis while the block runs; both are gone after it.

    Data lies in ``folder``. ``durable`` keeps what was written through a crash (fsync, append-only file); without it
    the servers are fast and forgetful. ``say`` gets a line where something takes long. Raises ``ServerError`` with
    what to do where a server cannot be had, or where another process serves the same folder.
    """
    choice = binaries.choice(os.environ.get("MALL_SERVERS", ""))
    given = {name: os.environ.get(name, "") for name in ("DATABASE_URL", "REDIS_URL")}
    with ExitStack() as stack:
        if not all(given.values()):
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
            stop_leftovers(folder)
        database_url, database_from = given["DATABASE_URL"], "DATABASE_URL"
        if not database_url:
            found = binaries.find_postgres(choice, postgres.made_by(folder), say)
            database_url, database_from = (
                stack.enter_context(postgres.serve(found, folder, durable=durable)),
                found.label,
            )
        redis_url, redis_from = given["REDIS_URL"], "REDIS_URL"
        if not redis_url:
            server = binaries.find_redis(choice, say)
            redis_url, redis_from = stack.enter_context(redis.serve(server, folder, durable=durable)), server.label
        yield Servers(database_url, redis_url, f"PostgreSQL: {database_from}. Redis: {redis_from}.")


def erase(folder: Path) -> None:
    """Throw away the servers' data in ``folder`` and the folder with it."""
    if not folder.exists():
        return
    with locked(folder):
        stop_leftovers(folder)
        postgres.erase(folder)
        shutil.rmtree(folder, ignore_errors=True)
