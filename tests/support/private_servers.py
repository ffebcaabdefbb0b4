"""The PostgreSQL and the Redis of one test run: started before the settings are read, gone after it.

Where a run has several workers (pytest-xdist), they share the PostgreSQL, on which pytest-django gives each a database
of its own. Redis has one channel space, one script cache and one list of clients for all its databases, so each worker
starts a Redis of its own; on a server that REDIS_URL gives, each has database numbers of its own.
"""

import atexit
import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.parse import urlsplit

from deploy import servers
from deploy.servers import processes
from tests.workers import MOST

PREFIX = "mall-tests-"
WHOSE = "MALL_TESTS_REDIS"  # the run's first process tells its workers whether REDIS_URL was given, or is its own
NUMBERS_EACH = 2  # the tests' own database, and one for nodes that must not be emptied with it (tests.e2e.tls)


def start() -> None:
    """Set DATABASE_URL and REDIS_URL for this process; concurrent runs each have servers of their own."""
    if name := os.environ.get("PYTEST_XDIST_WORKER"):
        worker = int(name.removeprefix("gw"))
        processes.LISTENERS = processes.LISTENERS[worker::MOST]  # else two might look for a port, and find the same
        whose = os.environ.pop(WHOSE, "")  # programs that a test starts use what the worker uses
        if whose == "private":
            del os.environ["REDIS_URL"]
        elif whose == "given":
            os.environ["REDIS_URL"] = numbered(os.environ["REDIS_URL"], worker)
    else:
        os.environ[WHOSE] = "given" if os.environ.get("REDIS_URL") else "private"
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    sweep()
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    stack.callback(servers.erase, folder)
    mine = stack.enter_context(servers.running(folder, durable=False, say=print))
    os.environ.update(DATABASE_URL=mine.database_url, REDIS_URL=mine.redis_url)


def numbered(url: str, worker: int) -> str:
    """The first of the worker's own databases on the server at ``url``, counted from the one that it names."""
    parts = urlsplit(url)
    first = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{first + worker * NUMBERS_EACH}").geturl()


def sweep() -> None:
    """Remove the folders of runs that were killed: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not os.access(folder, os.W_OK) or not (folder / "lock").exists():
            continue
        with suppress(servers.ServerError):  # another run's, and it is alive
            servers.erase(folder)
