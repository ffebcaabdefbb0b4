"""The demo as its own process, for tests in a browser: the same command that a person types."""

import json
import os
import signal
import sys
import tempfile
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from deploy.demo.stack import NODES, PROJECT
from deploy.servers import processes
from tests.support.private_servers import PREFIX
from tests.support.waiting import wait_for

OURS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "DEMO"}


class Farm:
    """``close`` ends it before the block does; the fixture sets it."""

    def __init__(self, data: Path, port: int):
        self.data, self.port = data, port
        self.close = lambda: None

    def url(self, host: str, path: str = "/") -> str:
        return f"http://{host}:{self.port}{path}"

    @property
    def pids(self) -> dict[str, int]:
        return json.loads((self.data / "run" / "pids.json").read_text())

    @property
    def inboxes(self) -> dict[str, Path]:
        folder = self.data / "departments"
        return {"fowlers": folder / "fowlers", "noblebarney": folder / "mailbox", "thistle": folder / "thistle"}

    @property
    def log(self) -> str:
        return (self.data / "demo.log").read_text()

    def kill(self, name: str) -> int:
        """Kill -9 a program and see it gone; a request that it was just handed would be lost with it."""
        pid = self.pids[name]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_there(pid), f"{name} to be gone")
        return pid

    def answers(self, host: str = "mall.localhost", path: str = "/") -> str:
        """Which node answers a request; every one comes on a connection of its own."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"Host": f"{host}:{self.port}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.headers["X-Node"]

    def both_answer(self) -> bool:
        return {self.answers() for _ in range(40)} == set(NODES)


def contents(*folders: Path, pattern: str = "*") -> list[bytes]:
    """The files below the folders; read anew where one went to another folder between the look and the reading."""
    while True:
        try:
            return [path.read_bytes() for folder in folders for path in folder.rglob(pattern) if path.is_file()]
        except FileNotFoundError:
            continue


def is_there(pid: int) -> bool:
    """Whether the process still holds anything: its sockets close after its memory is gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def running_farm(name_server: str = ""):
    """Run the demo while the block lasts; it queries the name server at this address for domains' records."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as folder:
        farm = Farm(Path(folder), processes.free_port())
        farm.data.chmod(0o711)  # PostgreSQL's own user, where we are root, passes through
        log = farm.data / "demo.log"
        own = {"MALL_DATA": folder, "PORT": str(farm.port), "PYTHONUNBUFFERED": "1", "DNS_SERVERS": name_server}
        own["SUPPORT_WATCH_WRITE_TIMEOUT"] = "10"  # a busy machine is not a broken Redis
        process = processes.start(
            [sys.executable, "-m", "deploy.demo.run"],
            log=log,
            last_signal=signal.SIGTERM,
            environment={name: value for name, value in os.environ.items() if name not in OURS} | own,
            folder=PROJECT,
        )

        def ready() -> bool:
            assert process.poll() is None, f"The demo does not start:\n{farm.log}"
            return "Ready after" in farm.log

        try:
            wait_for(ready, "the demo to start", 240)
            yield farm
        finally:
            processes.stop(process, signal.SIGINT, seconds=30)
