"""A private PostgreSQL: made once in its data folder, reached over loopback with a password of its own."""

import hashlib
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.servers import processes
from deploy.servers.binaries import PostgresBinaries
from deploy.servers.processes import Account, ServerError

STOP = signal.SIGINT  # "fast": clients are cut off, what was committed is kept
FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")
SETTINGS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "shared_buffers=64MB")
BUILTIN_LOCALE_SINCE = 17
PASSWORD_FILE = "postgres.password"  # noqa: S105 -- a name


@contextmanager
def serve(binaries: PostgresBinaries, folder: Path, *, durable: bool) -> Iterator[str]:
    """Give the address of database "mall" on a server that lives as long as the block."""
    account = processes.unprivileged()
    home = home_for(folder, account)
    binaries = binaries.readable_by(account, home)
    data = home / "postgres"
    password = data_folder(binaries, data, folder, account)
    process, port = start(binaries, data, folder, durable=durable, account=account)
    try:
        create_database(port, password)
        yield f"postgres://mall:{password}@127.0.0.1:{port}/mall"
    finally:
        processes.stop(process, STOP, seconds=20)
        processes.forget(folder, "postgres")
        if not durable:
            erase(folder)


def home_for(folder: Path, account: Account | None) -> Path:
    """``folder``, or where the server's account cannot reach it (below root's home) a place of its own in /var/lib."""
    if account is None:
        return folder
    if folder.stat().st_uid == 0:
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)  # through, not into: the data itself stays private
    if all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents)):
        return folder
    home = Path("/var/lib/the-mall") / hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    return home


def made_by(folder: Path) -> int | None:
    """The major version of the server that made the data in ``folder``; None where there is none yet."""
    note = home_for(folder, processes.unprivileged()) / "postgres" / "PG_VERSION"
    return int(note.read_text()) if note.exists() else None


def erase(folder: Path) -> None:
    """Remove the data; nothing may serve it any more."""
    home = home_for(folder, processes.unprivileged())
    shutil.rmtree(home / "postgres", ignore_errors=True)
    (folder / PASSWORD_FILE).unlink(missing_ok=True)
    if home != folder:
        shutil.rmtree(home, ignore_errors=True)


def data_folder(binaries: PostgresBinaries, data: Path, folder: Path, account: Account | None) -> str:
    """Make the data folder where there is none (or only half of one); return the password of its role "mall"."""
    note = folder / PASSWORD_FILE
    if (data / "PG_VERSION").exists() and note.exists():
        return note.read_text()
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700, parents=True)
    password = secrets.token_urlsafe(18)
    with tempfile.NamedTemporaryFile("w", dir=data.parent) as secret:  # initdb reads it as the account
        secret.write(password)
        secret.flush()
        if account:
            for path in (data, secret.name):
                os.chown(path, account.uid, account.gid)
        initialise(binaries, data, secret.name, account)
    note.touch(mode=0o600)
    note.write_text(password)  # last: with it, the folder is whole
    return password


def initialise(binaries: PostgresBinaries, data: Path, secret: str, account: Account | None) -> None:
    # One locale everywhere: names sort and fold the same on each laptop and in the farm.
    locale = ["--locale=C.UTF-8"]
    if binaries.major >= BUILTIN_LOCALE_SINCE:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [binaries.initdb, "-D", data, "-U", "mall", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
    made = subprocess.run(  # noqa: S603 -- our own command
        [*map(str, command), "--no-sync", *locale],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        **processes.identity(account),
    )
    if made.returncode:
        raise ServerError(f"initdb could not make {data}:\n{made.stdout}{made.stderr}")


def start(
    binaries: PostgresBinaries, data: Path, folder: Path, *, durable: bool, account: Account | None
) -> tuple[subprocess.Popen[bytes], int]:
    log = folder / "postgres.log"
    settings = SETTINGS if durable else SETTINGS + FORGETFUL
    for _ in range(3):  # another process may take the port between our look and the server's
        port = processes.free_port()
        options = [part for setting in (*settings, f"port={port}") for part in ("-c", setting)]
        (data / "postmaster.pid").unlink(missing_ok=True)  # leftovers are ended by now; a stale one may name any pid
        process = processes.start([binaries.postgres, "-D", data, *options], log=log, last_signal=STOP, account=account)
        processes.remember(process, folder, "postgres")
        if ready(process, data):
            return process, port
        processes.stop(process, STOP, seconds=5)
    raise ServerError(f"PostgreSQL does not start; {log} says why:\n{log.read_text()[-2000:]}")


def ready(process: subprocess.Popen[bytes], data: Path) -> bool:
    """Wait until the server says so in the last line of its pid file (recovery after a crash included)."""
    until = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < until:
        pid_file = data / "postmaster.pid"
        if pid_file.exists() and pid_file.read_text().rstrip().endswith("ready"):
            return True
        time.sleep(0.02)
    return False


def create_database(port: int, password: str) -> None:
    with psycopg.connect(
        host="127.0.0.1", port=port, user="mall", password=password, dbname="postgres", autocommit=True
    ) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'mall'").fetchone():
            connection.execute("CREATE DATABASE mall")
