"""A private Redis (or Valkey): loopback, a password, and an append-only file where its data is to be kept."""

import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from deploy.servers import processes
from deploy.servers.binaries import RedisBinary
from deploy.servers.processes import ServerError

STOP = signal.SIGTERM
CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{data}"
save ""
appendonly {durable}
appendfsync everysec
maxmemory-policy noeviction
set-proc-title no
"""


@contextmanager
def serve(binary: RedisBinary, folder: Path, *, durable: bool) -> Iterator[str]:
    """Give the address of database 0 on a server that lives as long as the block."""
    password = secrets.token_urlsafe(18)
    process, port = start(binary, folder, password, durable=durable)
    try:
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        processes.stop(process, STOP, seconds=20)
        processes.forget(folder, "redis")


def start(binary: RedisBinary, folder: Path, password: str, *, durable: bool) -> tuple[subprocess.Popen[bytes], int]:
    data, config, log = folder / "redis", folder / "redis.conf", folder / "redis.log"
    data.mkdir(mode=0o700, exist_ok=True)
    config.touch(mode=0o600)
    for _ in range(3):  # another process may take the port between our look and the server's
        port = processes.free_port()
        config.write_text(CONFIG.format(port=port, password=password, data=data, durable="yes" if durable else "no"))
        process = processes.start([binary.server, config], log=log, last_signal=STOP)
        processes.remember(process, folder, "redis")
        if ready(process, port, password):
            return process, port
        processes.stop(process, STOP, seconds=5)
    raise ServerError(f"{binary.server} does not start; {log} says why:\n{log.read_text()[-2000:]}")


def ready(process: subprocess.Popen[bytes], port: int, password: str) -> bool:
    until = time.monotonic() + 60
    with redis.Redis(port=port, password=password, socket_timeout=1) as client:
        while process.poll() is None and time.monotonic() < until:
            try:
                return bool(client.ping())
            except (redis.ConnectionError, redis.TimeoutError):  # not listening yet, or still loading its file
                time.sleep(0.02)
    return False
