"""The PostgreSQL and the Redis of one test run: started before the settings are read, gone after it."""

import atexit
import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

from deploy import servers

PREFIX = "mall-tests-"


def start() -> None:
    """Set DATABASE_URL and REDIS_URL for this process; concurrent runs each have servers of their own."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    sweep()
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    stack.callback(servers.erase, folder)
    mine = stack.enter_context(servers.running(folder, durable=False, say=print))
    os.environ.update(DATABASE_URL=mine.database_url, REDIS_URL=mine.redis_url)


def sweep() -> None:
    """Remove the folders of runs that were killed: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not os.access(folder, os.W_OK) or not (folder / "lock").exists():
            continue
        with suppress(servers.Unavailable):  # another run's, and it is alive
            servers.erase(folder)
