"""PgBouncer before the tests' database: a transaction pooler with two connections of the server for all clients."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from django.db import connections

from sessions_farm.tests.support.ports import own_port

UNPACKED = Path(__file__).parents[3] / ".tools" / "pgbouncer" / "root"
LIBRARIES = UNPACKED / "usr" / "lib" / f"{os.uname().machine}-linux-gnu"
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:{UNPACKED}/usr/sbin")
SERVER_CONNECTIONS = 2
CONFIG = """
[databases]
{name} = host={host} port={port} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
server_round_robin = 1
"""
PATIENCE = 10  # seconds


@contextmanager
def pooled(alias, folder):
    """Let Django's connections of the alias go through PgBouncer while the block runs, and say so in the settings."""
    connection = connections[alias]
    settings = connection.settings_dict
    names = ("HOST", "PORT", "DISABLE_SERVER_SIDE_CURSORS")
    before = {name: settings[name] for name in names} | {"OPTIONS": dict(settings["OPTIONS"])}
    port = own_port(connection)
    process = start(folder, settings, port)
    connection.close()
    settings |= {"HOST": "127.0.0.1", "PORT": port, "DISABLE_SERVER_SIDE_CURSORS": True}
    try:
        yield
    finally:
        connections.close_all()
        settings |= before
        process.terminate()
        process.wait(PATIENCE)


def start(folder, settings, port):
    password = f"password={settings['PASSWORD']}" if settings["PASSWORD"] else ""
    file = folder / "pgbouncer.ini"
    file.write_text(
        CONFIG.format(
            name=settings["NAME"],
            host=settings["HOST"] or "/var/run/postgresql",
            port=settings["PORT"] or 5432,
            user=settings["USER"],
            password=password,
            listen_port=port,
            size=SERVER_CONNECTIONS,
        )
    )
    command = [PROGRAM, "-q", str(file)]
    if os.geteuid() == 0:  # which PgBouncer refuses
        folder.chmod(0o755)
        for parent in folder.parents[:3]:
            parent.chmod(parent.stat().st_mode | 0o011)
        command = [PROGRAM, "-q", "-u", "nobody", str(file)]
    environment, log = os.environ | {"LD_LIBRARY_PATH": str(LIBRARIES)}, folder / "pgbouncer.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stderr=output)
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return process
    process.kill()
    process.wait()
    raise RuntimeError(f"PgBouncer did not start: {log.read_text()}")
