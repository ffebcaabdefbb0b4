"""The PostgreSQL and the Redis of one test run: started before the settings are read, gone after it."""

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from mall import servers
from mall.servers import processes

PREFIX = "mall-tests-"


def start() -> None:
    """Set DATABASE_URL and REDIS_URL for this process; concurrent runs each have servers of their own."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return
    sweep()
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    mine = stack.enter_context(servers.running(folder, durable=False, say=print))
    os.environ.update(DATABASE_URL=mine.database_url, REDIS_URL=mine.redis_url)


def sweep() -> None:
    """Remove the folders of runs that were killed: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if not os.access(folder, os.W_OK) or not (folder / "lock").exists():
            continue
        try:
            with processes.locked(folder):
                processes.stop_leftovers(folder)
                shutil.rmtree(folder, ignore_errors=True)
        except servers.Unavailable:
            continue
