"""Server processes that end with the process that started them, and the traces of those that did not."""

import ctypes
import fcntl
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h
LISTENERS = range(10_000, 32_000)  # Linux gives connections going out ports from 32,768 on, others from 49,152
TRIES = 100


class ServerError(Exception):
    """A server cannot be had; the message says how to get one."""


@dataclass(frozen=True)
class Account:
    """An unprivileged user that a server runs as where we are root."""

    name: str
    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account that PostgreSQL gets, which refuses to run as root; None where we are an ordinary user."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise ServerError("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody.")


def die_with_parent(last_signal: signal.Signals) -> Callable[[], None] | None:
    """Have the kernel end this child with its parent, kill -9 included (Linux only); runs before exec."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up here: a forked child should do next to nothing
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, int(last_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel was asked
            os.kill(os.getpid(), signal.SIGKILL)

    return ask_kernel


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    last_signal: signal.Signals,
    account: Account | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path = Path("/"),  # where any account may stand
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own: a Ctrl-C at the terminal is the supervisor's, which stops all in order.

    Call it from the main thread: the kernel's death signal follows the thread that forked, not the process.
    """
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 -- our own commands
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
            preexec_fn=die_with_parent(last_signal),  # noqa: PLW1509 -- it only calls the kernel
            **identity(account),
        )


def identity(account: Account | None) -> dict[str, Any]:
    """Return the arguments with which subprocess runs a command as ``account``."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def stop(process: subprocess.Popen[bytes], last_signal: signal.Signals, *, seconds: float) -> None:
    """Ask a server to end, and end it where it does not within ``seconds``."""
    if process.poll() is None:
        process.send_signal(last_signal)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port that nothing has, and that no connection going out is given before a program listens there."""
    for port in secrets.SystemRandom().sample(LISTENERS, TRIES):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise ServerError(f"None of {TRIES} ports from {LISTENERS.start} to {LISTENERS.stop} is free. Stop some programs.")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process; the kernel lets go of it at any end of the process."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise ServerError(f"Process {holder} already runs in {folder}; stop it first.") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def remember(process: subprocess.Popen[bytes], folder: Path, name: str) -> None:
    """Note the process, so that the next start can end it where it outlives this one."""
    (folder / f"{name}.pid").write_text(f"{process.pid}\n{arguments(process)}")


def forget(folder: Path, name: str) -> None:
    (folder / f"{name}.pid").unlink(missing_ok=True)


def arguments(process: subprocess.Popen[bytes]) -> str:
    args = process.args
    return " ".join(map(str, args[1:])) if isinstance(args, list) else str(args)


def stop_leftovers(folder: Path) -> None:
    """End the programs for ``folder`` that outlived their supervisor (kill -9 where there is no death signal)."""
    for note in folder.glob("*.pid"):
        pid, _, known_arguments = note.read_text().partition("\n")
        if known_arguments and known_arguments in command_line(int(pid)):  # pids are used again
            end(int(pid))
        note.unlink()


def command_line(pid: int) -> str:
    """The command of a process; empty where there is none, or only a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it is gone
            return ""
    command = ["ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def end(pid: int) -> None:
    for last_signal, seconds in ((signal.SIGINT, 10.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, last_signal)
        until = time.monotonic() + seconds
        while command_line(pid):
            if time.monotonic() > until:
                break
            time.sleep(0.05)
        else:
            return
